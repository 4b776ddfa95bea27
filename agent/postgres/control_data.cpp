#include "agent/postgres/control_data.hpp"

#include <bit>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kShownValue = 60;
struct MinimumLine {
    const char *label, *setting;
};
constexpr MinimumLine kMinimumLines[] = {{"max_connections setting", "max_connections"},
                                         {"max_worker_processes setting", "max_worker_processes"},
                                         {"max_wal_senders setting", "max_wal_senders"},
                                         {"max_prepared_xacts setting", "max_prepared_transactions"},
                                         {"max_locks_per_xact setting", "max_locks_per_transaction"}};
constexpr std::uint32_t kLeastSegment = 1U << 20U, kMostSegment = 1U << 30U;

class ControlLines {
public:
    explicit ControlLines(std::string_view output) {
        for (const auto& line : split(output, '\n'))
            if (const auto colon = line.find(':'); colon != std::string::npos)
                values_.emplace(line.substr(0, colon), trimmed(std::string_view(line).substr(colon + 1)));
    }

    const std::string& text(const char* label) const {
        const auto found = values_.find(label);
        if (found == values_.end() || found->second.empty())
            throw Error(ErrorKind::failed, fmt::format("pg_controldata does not print \"{}\"", label));
        return found->second;
    }
    template <class Number>
    Number number(const char* label) const {
        const auto& value = text(label);
        Number parsed = 0;
        const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), parsed);
        if (problem != std::errc() || end != value.data() + value.size()) refuse(label);
        return parsed;
    }
    Lsn lsn(const char* label) const {
        const auto& value = text(label);
        try {
            return parse_lsn(value);
        } catch (const Error&) {
            refuse(label);
        }
    }
    std::uint32_t size(const char* label, std::uint32_t least, std::uint32_t most) const {
        const auto value = number<std::uint32_t>(label);
        if (value < least || value > most || !std::has_single_bit(value)) refuse(label);
        return value;
    }

private:
    [[noreturn]] void refuse(const char* label) const {
        throw Error(ErrorKind::failed, fmt::format("pg_controldata prints \"{}\" as \"{}\", which makes no sense",
                                                   label, shortened(values_.at(label), kShownValue)));
    }
    std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace

ControlData parse_control_data(std::string_view output) {
    const ControlLines lines(output);
    ControlData data;
    data.system_id = lines.number<std::uint64_t>("Database system identifier");
    data.state = lines.text("Database cluster state");
    data.checkpoint = lines.lsn("Latest checkpoint location");
    data.redo = lines.lsn("Latest checkpoint's REDO location");
    data.redo_file = lines.text("Latest checkpoint's REDO WAL file");
    data.timeline = lines.number<std::uint32_t>("Latest checkpoint's TimeLineID");
    data.recovery_timeline = lines.number<std::uint32_t>("Min recovery ending loc's timeline");
    data.segment_size = lines.size("Bytes per WAL segment", kLeastSegment, kMostSegment);
    data.block_size = lines.size("WAL block size", 1U << 10U, 1U << 16U);
    for (const auto& [label, setting] : kMinimumLines)
        data.standby_minimums[setting] = lines.number<std::int64_t>(label);
    return data;
}

}  // namespace pgedge
