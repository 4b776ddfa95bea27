#include "agent/postgres/wal_page.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "agent/postgres/little_endian.hpp"

namespace pgedge {
namespace {

// Places in the header, the same in all versions since 9.3 (xlog_internal.h).
constexpr std::size_t kMagicAt = 0, kInfoAt = 2, kTimelineAt = 4, kAddressAt = 8, kRemainingAt = 16, kSystemAt = 24,
                      kSegmentSizeAt = 32, kBlockSizeAt = 36;
constexpr std::uint16_t kLongHeader = 0x02;

/// XLOG_PAGE_MAGIC of each version; the format of the log changes with the major version only.
struct Magic {
    int major;
    std::uint16_t number;
};
constexpr std::array kMagics{Magic{12, 0xD101}, Magic{13, 0xD106}, Magic{14, 0xD10D}, Magic{15, 0xD110},
                             Magic{16, 0xD113}, Magic{17, 0xD116}, Magic{18, 0xD118}};

template <class Number>
std::optional<WalPageProblem> compared(const char* field, Number wanted, Number got, const char* form = "{}") {
    if (wanted == got) return std::nullopt;
    return WalPageProblem{field, fmt::format(fmt::runtime(form), wanted), fmt::format(fmt::runtime(form), got)};
}

}  // namespace

std::optional<WalPageProblem> check_wal_page(std::string_view head, const WalPageWanted& wanted) {
    if (head.size() < kWalPageHead)
        return WalPageProblem{"length", fmt::format("at least {}", kWalPageHead), std::to_string(head.size())};
    const auto magic = little_endian<std::uint16_t>(head, kMagicAt);
    const auto* const known =
        std::find_if(kMagics.begin(), kMagics.end(), [&](const Magic& each) { return each.major == wanted.major; });
    if (known != kMagics.end())
        if (auto problem = compared("page magic", known->number, magic, "{:04X}")) return problem;
    if ((little_endian<std::uint16_t>(head, kInfoAt) & kLongHeader) == 0)
        return WalPageProblem{"page header", "long", "short"};
    if (auto problem = compared("system identifier", wanted.system_id, little_endian<std::uint64_t>(head, kSystemAt)))
        return problem;
    if (auto problem =
            compared("segment size", wanted.segment_size, little_endian<std::uint32_t>(head, kSegmentSizeAt)))
        return problem;
    if (auto problem = compared("block size", wanted.block_size, little_endian<std::uint32_t>(head, kBlockSizeAt)))
        return problem;
    const Lsn begins = start_of(wanted.segment, wanted.segment_size),
              says{little_endian<std::uint64_t>(head, kAddressAt)};
    if (says != begins) return WalPageProblem{"page address", to_string(begins), to_string(says)};
    const auto timeline = little_endian<std::uint32_t>(head, kTimelineAt);
    if (timeline == 0 || timeline > wanted.segment.timeline)
        return WalPageProblem{"timeline", fmt::format("1 to {}", wanted.segment.timeline), std::to_string(timeline)};
    return std::nullopt;
}

Lsn end_of_record(Lsn at, std::uint32_t length, std::uint32_t segment_size, std::uint32_t block_size) {
    constexpr std::uint64_t kShortHead = 24, kAlignment = 8;
    std::uint64_t end = at.bytes, left = length;
    for (auto room = block_size - end % block_size; left > room; room = block_size - end % block_size) {
        left -= room;
        end += room;
        end += end % segment_size == 0 ? kWalPageHead : kShortHead;
    }
    end += left;
    return {(end + kAlignment - 1) / kAlignment * kAlignment};
}

std::uint32_t continued_bytes(std::string_view head) {
    return head.size() < kWalPageHead ? 0 : little_endian<std::uint32_t>(head, kRemainingAt);
}

}  // namespace pgedge
