#include "agent/api/postgres_ha/multipart.hpp"

#include <algorithm>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/net/http.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kMostHead = 8 << 10;    // of one part
constexpr std::size_t kLongestBoundary = 70;  // RFC 2046, 5.1.1

bool same_word(std::string_view a, std::string_view b) { return !HeaderLess()(a, b) && !HeaderLess()(b, a); }

[[noreturn]] void refuse_form(const std::string& why) {
    throw Error(ErrorKind::invalid_input, "the request's body is not multipart/form-data: " + why);
}

/// The value of `name` in "form-data; name=\"data\"; filename=\"x\"": quoted or not.
std::optional<std::string> parameter_of(std::string_view text, std::string_view name) {
    for (std::size_t at = text.find(';'); at != text.npos;) {
        text = text.substr(at + 1);
        const auto equals = text.find('=');
        if (equals == text.npos) return std::nullopt;
        const auto key = trimmed(text.substr(0, equals));
        text = text.substr(equals + 1);
        std::string value;
        if (text.starts_with('"')) {
            std::size_t i = 1;
            for (; i < text.size() && text[i] != '"'; ++i) {
                if (text[i] == '\\' && i + 1 < text.size()) ++i;
                value += text[i];
            }
            text = text.substr(std::min(text.size(), i + 1));
        } else {
            value = trimmed(text.substr(0, text.find(';')));
        }
        if (same_word(key, name)) return value;
        at = text.find(';');
    }
    return std::nullopt;
}

std::optional<std::string> file_name_of(std::string_view head) {
    for (const auto& line : split(head, '\n')) {
        const auto colon = line.find(':');
        if (colon == std::string::npos || !same_word(trimmed(line.substr(0, colon)), "Content-Disposition")) continue;
        return parameter_of(trimmed(std::string_view(line).substr(colon + 1)), "filename");
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> multipart_boundary(std::string_view content_type) {
    if (!same_word(trimmed(content_type.substr(0, content_type.find(';'))), "multipart/form-data")) return std::nullopt;
    auto boundary = parameter_of(content_type, "boundary");
    if (!boundary || boundary->empty() || boundary->size() > kLongestBoundary || has_control_characters(*boundary))
        refuse_form("its Content-Type names no boundary");
    return boundary;
}

std::vector<FormPart> parse_multipart(std::string_view body, const std::string& boundary) {
    const std::string first = "--" + boundary, next = std::string(kLineEnd) + first;
    std::vector<FormPart> parts;
    if (!body.starts_with(first)) refuse_form("it does not begin with its boundary");
    body.remove_prefix(first.size());
    while (!body.starts_with("--")) {
        if (!body.starts_with(kLineEnd)) refuse_form("a boundary does not end its line");
        body.remove_prefix(kLineEnd.size());
        if (parts.size() == kMostParts) refuse_form("it has too many parts");
        const auto head_end = body.starts_with(kLineEnd) ? 0 : body.substr(0, kMostHead).find("\r\n\r\n");
        if (head_end == body.npos) refuse_form("a part has no head, or one that is too long");
        const auto head = body.substr(0, head_end);
        body.remove_prefix(head_end + (head_end == 0 ? kLineEnd.size() : 2 * kLineEnd.size()));
        const auto end = body.find(next);
        if (end == body.npos) refuse_form("its last boundary is missing");
        parts.push_back({file_name_of(head), body.substr(0, end)});
        body.remove_prefix(end + next.size());
    }
    return parts;
}

}  // namespace pgedge
