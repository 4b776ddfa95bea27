#include "common/model/lsn.hpp"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kShownText = 40;

std::optional<std::uint32_t> half(std::string_view digits) {
    constexpr std::size_t kMostDigits = 8;
    std::uint32_t value = 0;
    if (digits.empty() || digits.size() > kMostDigits) return std::nullopt;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

}  // namespace

std::string to_string(Lsn lsn) { return fmt::format("{:X}/{:X}", lsn.bytes >> 32U, lsn.bytes & 0xFFFFFFFFU); }

Lsn parse_lsn(std::string_view text) {
    const auto slash = text.find('/');
    if (slash != std::string_view::npos) {
        const auto high = half(text.substr(0, slash)), low = half(text.substr(slash + 1));
        if (high && low) return {(std::uint64_t{*high} << 32U) | *low};
    }
    throw Error(ErrorKind::invalid_input, fmt::format("\"{}\" is not a log position", shortened(text, kShownText)),
                "write it as PostgreSQL does, e.g. 0/3000060");
}

}  // namespace pgedge
