#include "agent/postgres/copy_progress.hpp"

#include <charconv>

#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::int64_t kKilobyte = 1024;
constexpr std::int64_t kMost = std::int64_t{1} << 50;  // in kB; beyond that it is no number of a server

/// The number at the beginning of `text`, which loses it.
std::optional<std::int64_t> take_number(std::string_view& text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 0 || number > kMost) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

bool take(std::string_view& text, std::string_view wanted) {
    if (!text.starts_with(wanted)) return false;
    text.remove_prefix(wanted.size());
    return true;
}

}  // namespace

std::optional<Progress> copy_progress(std::string_view line) {
    line = trimmed(line);
    const auto done = take_number(line);
    if (!done || !take(line, "/")) return std::nullopt;
    const auto total = take_number(line);
    if (!total || !take(line, " kB (") || !take_number(line) || !take(line, "%)")) return std::nullopt;
    return Progress{.done = *done * kKilobyte, .total = *total * kKilobyte, .unit = "bytes", .text = {}};
}

std::string without_copy_progress(std::string_view output) {
    std::string kept;
    while (!output.empty()) {
        const auto end = output.find('\n');
        const auto line = output.substr(0, end);
        if (!copy_progress(line)) kept += std::string(line) + (end == std::string_view::npos ? "" : "\n");
        output.remove_prefix(end == std::string_view::npos ? output.size() : end + 1);
    }
    while (kept.ends_with('\n')) kept.pop_back();
    return kept;
}

}  // namespace pgedge
