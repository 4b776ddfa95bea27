#include "common/net/http.hpp"

#include <algorithm>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool plain_in_url(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

/// Like url_encode(), and `also` stays as it is.
std::string encoded(std::string_view text, std::string_view also) {
    std::string out;
    for (const char c : text) {
        if (plain_in_url(c) || also.find(c) != std::string_view::npos) {
            out += c;
            continue;
        }
        constexpr std::string_view kDigits = "0123456789ABCDEF";
        const auto byte = static_cast<unsigned char>(c);
        out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    return out;
}

std::string decoded_parameter(std::string_view text) {
    std::string blanks(text);  // forms and Go's url.ParseQuery write a blank as '+'
    std::replace(blanks.begin(), blanks.end(), '+', ' ');
    return url_decode(blanks);
}

}  // namespace

bool HeaderLess::operator()(std::string_view a, std::string_view b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [](char x, char y) { return lower(x) < lower(y); });
}

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
    const auto found = std::find_if(query.rbegin(), query.rend(), [&](const auto& pair) { return pair.first == name; });
    return found == query.rend() ? std::nullopt : std::optional(found->second);
}

std::string url_encode(std::string_view text) { return encoded(text, ""); }

std::string url_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const auto digits = text.substr(i + 1, 2);
            if (digits.size() != 2) throw Error(ErrorKind::invalid_input, "the URL ends within an escape (%XX)");
            try {
                c = from_hex(digits)[0];
            } catch (const Error&) {
                throw Error(ErrorKind::invalid_input, "'%" + std::string(digits) + "' is not an escape of a URL");
            }
            i += 2;
        }
        if (c == '\0') throw Error(ErrorKind::invalid_input, "a URL may not hold a NUL");
        out += c;
    }
    return out;
}

Query parse_query(std::string_view text) {
    Query query;
    while (!text.empty()) {
        const auto pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        const auto value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
        query.emplace_back(decoded_parameter(pair.substr(0, equals)), decoded_parameter(value));
    }
    return query;
}

std::string target_of(const HttpRequest& request) {
    std::string target = encoded(request.path, "/:@!$&'()*+,;=");
    char before = '?';
    for (const auto& [name, value] : request.query) {
        target += before + url_encode(name) + "=" + url_encode(value);
        before = '&';
    }
    return target;
}

}  // namespace pgedge
