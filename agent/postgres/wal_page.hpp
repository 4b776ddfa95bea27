#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/postgres/wal_name.hpp"

namespace pgedge {

/// What the first page of a segment file must say to be that file's content.
struct WalPageWanted {
    int major = 0;  ///< of the server; of one that we do not know, the magic number is not compared
    std::uint64_t system_id = 0;
    std::uint32_t segment_size = 0, block_size = 0;
    WalSegment segment{};
};

/// What is wrong with a page: "system identifier", what it should be, what it is.
struct WalPageProblem {
    std::string field, wanted, got;
};

/// So many bytes of a segment file are its first page's header.
inline constexpr std::size_t kWalPageHead = 40;

/// Checks the header of a segment file's first page (XLogLongPageHeaderData). A file that was recycled keeps the
/// content of its former name until the server writes there again: then the page's address is of another segment. The
/// first file of a new timeline begins as a copy of its parent's, so a lower timeline is right too.
std::optional<WalPageProblem> check_wal_page(std::string_view head, const WalPageWanted& wanted);
/// How many bytes at the start of the page still belong to a record that began before it.
std::uint32_t continued_bytes(std::string_view head);

/// Where a record that begins at `at` ends: `length` bytes and the headers of the pages that it crosses, up to the next
/// position where a record may begin.
Lsn end_of_record(Lsn at, std::uint32_t length, std::uint32_t segment_size, std::uint32_t block_size);

}  // namespace pgedge
