#pragma once

#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>

#include "common/base/clock.hpp"

namespace pgedge {

enum class LogLevel { debug, info, warn, error };
LogLevel parse_log_level(std::string_view text);  ///< throws Error{invalid_input}

/// One field of a log line. A Secret is not convertible to it.
struct LogField {
    template <class Value>
    LogField(std::string_view field_name, const Value& field_value) : name(field_name), value(text_of(field_value)) {}
    std::string_view name;
    std::string value;

private:
    template <class Value>
    static std::string text_of(const Value& value) {
        if constexpr (std::is_same_v<Value, bool>)
            return value ? "true" : "false";
        else if constexpr (std::is_arithmetic_v<Value>)
            return std::to_string(value);
        else
            return std::string(std::string_view(value));
    }
};

/// Where finished lines go. Safe from any thread.
class LogSink {
public:
    virtual ~LogSink() = default;
    virtual void write(LogLevel level, std::string_view line) = 0;
};

/// Events with fields, one line each: logfmt, or JSON when asked. A copy is cheap and shares the sink.
/// Control characters in values are escaped, so no caller can forge a line. Only tops of threads log.
class Log {
public:
    enum class Format { text, json };
    Log(std::shared_ptr<LogSink> sink, LogLevel least, Format format = Format::text);
    /// A log that nobody reads, for tests.
    static Log none();
    /// Writes to standard error, with journald's "<6>" level prefixes when `JOURNAL_STREAM` is set.
    static Log to_stderr(LogLevel least, Format format = Format::text);

    /// The same log with `component` in every line.
    Log component(std::string_view name) const;
    void debug(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    void info(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    void warn(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    void error(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) const;

private:
    std::shared_ptr<LogSink> sink_;
    LogLevel least_;
    Format format_;
    std::string component_;
};

}  // namespace pgedge
