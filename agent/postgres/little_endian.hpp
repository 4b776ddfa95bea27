#pragma once

#include <cstdint>
#include <string_view>

namespace pgedge {

/// The number at `at`, the lowest byte first, as PostgreSQL's files have them on the machines that we run
/// on. The caller has checked that the bytes are there.
template <class Number>
Number little_endian(std::string_view bytes, std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i)
        value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    return static_cast<Number>(value);
}

}  // namespace pgedge
