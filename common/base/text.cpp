#include "common/base/text.hpp"

#include <algorithm>
#include <numeric>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace pgedge {
namespace {

/// Fewest insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string
/// alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::swap(before_last, last);
        std::swap(last, row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
    }
    return row.back();
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
    constexpr std::size_t kLongestWord = 64;  // nobody mistypes more, and the cost is quadratic
    if (word.size() > kLongestWord) return std::nullopt;
    std::optional<std::string> best;
    std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const auto& candidate : candidates) {
        if (candidate.size() > kLongestWord) continue;
        if (const auto distance = edit_distance(word, candidate); distance < least) {
            least = distance;
            best = candidate;
        }
    }
    return best;
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
    std::string text;
    for (const auto& part : parts) {
        if (&part != &parts.front()) text += between;
        text += part;
    }
    return text;
}

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> parts;
    for (std::size_t from = 0;;) {
        const auto to = text.find(at, from);
        parts.emplace_back(text.substr(from, to - from));
        if (to == std::string_view::npos) return parts;
        from = to + 1;
    }
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const auto from = text.find_first_not_of(kBlank);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

std::string shortened(std::string_view text, std::size_t at_most) {
    if (text.size() <= at_most) return std::string(text);
    while (at_most > 0 && (static_cast<unsigned char>(text[at_most]) & 0xC0) == 0x80) --at_most;
    return std::string(text.substr(0, at_most)) + "…";
}

bool is_ip_address(const std::string& text) {
    if (text.find('\0') != std::string::npos) return false;  // inet_pton() would not see what follows
    in6_addr address{};
    return ::inet_pton(AF_INET, text.c_str(), &address) == 1 || ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool is_identifier(std::string_view text, std::size_t at_most) {
    constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
    return !text.empty() && text.size() <= at_most && text.front() != '-' && text.back() != '-' &&
           text.find("--") == std::string_view::npos && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

std::size_t length_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

std::optional<std::size_t> first_bad_utf8(std::string_view text) {
    const auto byte = [&](std::size_t at) -> unsigned {
        return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
    };
    for (std::size_t at = 0; at < text.size();) {
        const unsigned first = byte(at), second = byte(at + 1);
        std::size_t size = 0;
        unsigned least = 0x80, most = 0xBF;  // of the second byte: table 3-7 of the Unicode standard
        if (first < 0x80)
            size = 1;
        else if (first >= 0xC2 && first <= 0xDF)
            size = 2;
        else if (first >= 0xE0 && first <= 0xEF)
            size = 3;
        else if (first >= 0xF0 && first <= 0xF4)
            size = 4;
        if (first == 0xE0) least = 0xA0;
        if (first == 0xED) most = 0x9F;
        if (first == 0xF0) least = 0x90;
        if (first == 0xF4) most = 0x8F;
        if (size == 0 || (size > 1 && (second < least || second > most))) return at;
        for (std::size_t i = 2; i < size; ++i)
            if ((byte(at + i) & 0xC0) != 0x80) return at;
        at += size;
    }
    return std::nullopt;
}

bool has_control_characters(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace pgedge
