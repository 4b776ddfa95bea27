#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/model/lsn.hpp"

namespace pgedge {

/// A record as pg_waldump prints it.
struct WalRecordLine {
    std::string text;
    Lsn at{};
    std::uint32_t length = 0;  ///< in bytes, without the page headers that it crosses
};
/// nullopt: the line is about something else.
std::optional<WalRecordLine> parse_record_line(std::string_view line);

/// What a run of pg_waldump printed. Fed line by line: a segment may hold a hundred thousand records.
class WalDump {
public:
    void add(std::string_view line);
    std::uint64_t count() const { return count_; }
    const std::optional<WalRecordLine>& first() const { return first_; }
    const std::optional<WalRecordLine>& last() const { return last_; }
    /// The position that it was to begin at is inside a record: it went on to the next one.
    bool skipped() const { return skipped_; }

private:
    std::uint64_t count_ = 0;
    std::optional<WalRecordLine> first_, last_;
    bool skipped_ = false;
};

/// Whether pg_waldump failed only because the log ends there, as that of a running server does, with `message` as told
/// by run_or_throw().
bool is_end_of_wal(std::string_view message);

/// "0/0347A108", as pg_waldump writes positions.
std::string record_position(Lsn lsn);

}  // namespace pgedge
