#include <array>
#include <cctype>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/spec/database_spec.hpp"

namespace pgedge {
namespace {

/// "12.5" as a whole number of `scale`ths, rounded down; nullopt when it is no number or too large.
/// Integers only: no digit is lost, unlike with floating point.
std::optional<std::int64_t> scaled(std::string_view text, std::int64_t scale) {
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    const auto dot = text.find('.');
    const std::string_view whole_text = text.substr(0, dot);
    const std::string_view fraction = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
    if (dot != std::string_view::npos && fraction.empty()) return std::nullopt;
    std::int64_t whole = 0;
    const auto [end, error] = std::from_chars(whole_text.data(), whole_text.data() + whole_text.size(), whole);
    if (error != std::errc() || end != whole_text.data() + whole_text.size() || whole < 0) return std::nullopt;
    if (whole > kMost / scale) return std::nullopt;
    __extension__ __int128 part = 0, divisor = 1;
    constexpr std::size_t kMostDigits = 18;  // the rest is less than one byte
    for (std::size_t i = 0; i < fraction.size(); ++i) {
        if (fraction[i] < '0' || fraction[i] > '9') return std::nullopt;
        if (i >= kMostDigits) continue;
        part = part * 10 + (fraction[i] - '0');
        divisor *= 10;
    }
    const auto rest = static_cast<std::int64_t>(part * scale / divisor);
    if (whole * scale > kMost - rest) return std::nullopt;
    return whole * scale + rest;
}

constexpr std::string_view kUnitLetters = "kmgtpe";

/// Bytes in "k", "KB" (1000), "Ki", "KiB" (1024) and so on; letters of either case, as go-humanize reads them.
std::optional<std::int64_t> unit_bytes(std::string_view unit) {
    std::string lower;
    for (const char letter : unit) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    if (lower.empty() || lower == "b") return 1;
    const auto power = kUnitLetters.find(lower[0]);
    const std::string_view rest = std::string_view(lower).substr(1);
    if (power == std::string_view::npos) return std::nullopt;
    std::int64_t base = 0;
    if (rest.empty() || rest == "b") base = 1000;
    if (rest == "i" || rest == "ib") base = 1024;
    if (base == 0) return std::nullopt;
    std::int64_t bytes = 1;
    for (std::size_t i = 0; i <= power; ++i) bytes *= base;
    return bytes;
}

}  // namespace

std::int64_t parse_millicpus(const std::string& text) {
    const bool milli = text.ends_with('m');
    const std::string_view number = milli ? std::string_view(text).substr(0, text.size() - 1) : text;
    const auto dot = number.find('.');
    const bool bad_fraction = dot != std::string_view::npos && (milli || number.size() - dot - 1 > 3);
    const auto cpus = bad_fraction ? std::nullopt : scaled(number, milli ? 1 : 1000);
    if (!cpus)
        throw Error(ErrorKind::invalid_input, "\"" + shortened(text, 40) + "\" is not a number of CPUs",
                    "write a number with at most three decimals, or thousandths: 0.5 or 500m");
    if (*cpus < 1) throw Error(ErrorKind::invalid_input, "cannot be less than 1 millicpu");
    return *cpus;
}

std::int64_t parse_bytes(const std::string& text) {
    const auto end_of_number = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto unit = unit_bytes(trimmed(std::string_view(text).substr(end_of_number)));
    const auto bytes = unit ? scaled(std::string_view(text).substr(0, end_of_number), *unit) : std::nullopt;
    if (!bytes)
        throw Error(ErrorKind::invalid_input, "\"" + shortened(text, 40) + "\" is not a size",
                    "write a number with a unit of SI or IEC: 4G, 512MiB");
    return *bytes;
}

std::string to_size_text(std::int64_t bytes) {
    constexpr std::array<std::string_view, 7> kUnits{"", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::size_t unit = 0;
    while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < kUnits.size()) {
        bytes /= 1024;
        ++unit;
    }
    return fmt::format("{}{}", bytes, kUnits[unit]);
}

}  // namespace pgedge
