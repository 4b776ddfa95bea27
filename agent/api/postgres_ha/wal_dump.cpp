#include "agent/api/postgres_ha/wal_dump.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {

// rmgr: XLOG        len (rec/tot):    114/   114, tx:          0, lsn: 0/0347A108, prev 0/0347A0D0, desc: CHECKPOINT_…
std::optional<WalRecordLine> parse_record_line(std::string_view line) {
    constexpr std::string_view kBegin = "rmgr: ", kLsn = ", lsn: ", kTotal = "len (rec/tot):";
    const auto lsn_at = line.find(kLsn), total_at = line.find(kTotal);
    if (!line.starts_with(kBegin) || lsn_at == line.npos || total_at == line.npos) return std::nullopt;
    const auto rest = line.substr(lsn_at + kLsn.size());
    const auto lengths = line.substr(total_at + kTotal.size(), line.find(',', total_at) - total_at - kTotal.size());
    const auto total = trimmed(lengths.substr(lengths.find('/') + 1));
    WalRecordLine record{std::string(trimmed(line)), {}, 0};
    if (std::from_chars(total.data(), total.data() + total.size(), record.length).ec != std::errc())
        return std::nullopt;
    try {
        record.at = parse_lsn(rest.substr(0, rest.find(',')));
    } catch (const Error&) {
        return std::nullopt;  // no line of a record after all
    }
    return record;
}

void WalDump::add(std::string_view line) {
    if (line.find("first record is after ") != line.npos) skipped_ = true;
    auto record = parse_record_line(line);
    if (!record) return;
    ++count_;
    if (!first_) first_ = record;
    last_ = std::move(record);
}

bool is_end_of_wal(std::string_view message) {
    constexpr std::array kEnds{"error in WAL record at ", "could not find a valid record after "};
    for (const std::string_view end : kEnds)
        if (message.find(end) != message.npos) return true;
    return false;
}

std::string record_position(Lsn lsn) { return fmt::format("{:X}/{:08X}", lsn.bytes >> 32U, lsn.bytes & 0xFFFFFFFFU); }

}  // namespace pgedge
