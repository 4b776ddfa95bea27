#include "common/base/log.hpp"

#include <array>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::array kLevels{std::string_view("debug"), std::string_view("info"), std::string_view("warn"),
                             std::string_view("error")};
constexpr std::array kJournalPrefix{std::string_view("<7>"), std::string_view("<6>"), std::string_view("<4>"),
                                    std::string_view("<3>")};

std::string_view name_of(LogLevel level) { return kLevels[static_cast<std::size_t>(level)]; }

class StderrSink final : public LogSink {
public:
    void write(LogLevel level, std::string_view line) override {
        std::string text;
        if (journal_) text += kJournalPrefix[static_cast<std::size_t>(level)];
        text.append(line) += '\n';
        std::lock_guard lock(mutex_);
        // One write per line, so that lines of several processes do not mix. A full pipe loses the line: by design,
        // since logging must never fail or stop the work.
        [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
    }

private:
    std::mutex mutex_;
    const bool journal_ = std::getenv("JOURNAL_STREAM") != nullptr;
};

class NullSink final : public LogSink {
public:
    void write(LogLevel, std::string_view) override {}
};

/// Bytes at `at` that are DEL or one of U+0080 to U+009F, which the JSON library prints as they are; 0: neither.
std::size_t late_control(std::string_view text, std::size_t at) {
    if (text[at] == '\x7f') return 1;
    if (text[at] != '\xc2' || at + 1 == text.size()) return 0;
    const auto second = static_cast<unsigned char>(text[at + 1]);
    return second >= 0x80 && second <= 0x9f ? 2 : 0;
}

/// On one line, no control characters, valid UTF-8.
template <class AnyJson>
std::string harmless(const AnyJson& value) {
    const std::string text = value.dump(-1, ' ', false, AnyJson::error_handler_t::replace);
    std::string escaped;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (const auto size = late_control(text, at)) {
            at += size - 1;
            escaped += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[at]));
        } else {
            escaped += text[at];
        }
    }
    return escaped;
}

bool needs_quotes(std::string_view value) {
    if (value.empty() || value.find_first_of(" \"=\\") != std::string_view::npos || first_bad_utf8(value)) return true;
    for (std::size_t at = 0; at < value.size(); ++at)
        if (static_cast<unsigned char>(value[at]) < 0x20 || late_control(value, at)) return true;
    return false;
}

}  // namespace

LogLevel parse_log_level(std::string_view text) {
    for (std::size_t i = 0; i < kLevels.size(); ++i)
        if (kLevels[i] == text) return static_cast<LogLevel>(i);
    throw Error(ErrorKind::invalid_input, "'" + std::string(text) + "' is not a log level",
                "use debug, info, warn or error");
}

Log::Log(std::shared_ptr<LogSink> sink, LogLevel least, Format format)
    : sink_(std::move(sink)), least_(least), format_(format) {}

Log Log::none() { return {std::make_shared<NullSink>(), LogLevel::error}; }
Log Log::to_stderr(LogLevel least, Format format) { return {std::make_shared<StderrSink>(), least, format}; }

Log Log::component(std::string_view name) const {
    Log named = *this;
    named.component_ = name;
    return named;
}

void Log::debug(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::debug, event, fields);
}
void Log::info(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::info, event, fields);
}
void Log::warn(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::warn, event, fields);
}
void Log::error(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::error, event, fields);
}

void Log::write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) const {
    if (level < least_) return;
    const std::string time = to_rfc3339_ms(SystemClock().wall());
    if (format_ == Format::json) {
        nlohmann::ordered_json line{{"ts", time}, {"level", name_of(level)}, {"msg", event}};
        if (!component_.empty()) line["component"] = component_;
        for (const auto& field : fields) line[std::string(field.name)] = field.value;
        return sink_->write(level, harmless(line));
    }
    std::string line = time + " " + std::string(name_of(level)) + " ";
    if (!component_.empty()) line += component_ + ": ";
    line += event;
    for (const auto& field : fields) {
        line.append(" ").append(field.name).append("=");
        line += needs_quotes(field.value) ? harmless(nlohmann::json(field.value)) : field.value;
    }
    sink_->write(level, line);
}

}  // namespace pgedge
