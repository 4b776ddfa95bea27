#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgedge {

/// A position in PostgreSQL's write-ahead log: bytes since the cluster was made. Ordered along one timeline; positions
/// of different timelines may be compared only up to where they parted.
struct Lsn {
    std::uint64_t bytes = 0;
    auto operator<=>(const Lsn&) const = default;
};

/// How much of the log lies between them; 0 when `from` is not before `to`.
inline std::uint64_t bytes_between(Lsn from, Lsn to) { return from < to ? to.bytes - from.bytes : 0; }

/// "0/3000060", as PostgreSQL's pg_lsn writes it.
std::string to_string(Lsn lsn);
/// Takes what pg_lsn takes: two hexadecimal numbers of 1 to 8 digits with a slash. Throws Error{invalid_input}.
Lsn parse_lsn(std::string_view text);

}  // namespace pgedge
