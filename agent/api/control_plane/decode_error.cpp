#include "agent/api/control_plane/decode_error.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/base/json.hpp"
#include "common/base/text.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

constexpr std::array<std::string_view, 9> kNames{
    "decode_payload", "missing_payload", "missing_field",      "invalid_field_type", "invalid_pattern",
    "invalid_length", "invalid_range",   "invalid_enum_value", "invalid_format",
};
/// Of a value that somebody sent, in a message: enough to recognise it.
constexpr std::size_t kShownValue = 80;

Error refused(std::string_view name, std::string message) {
    return Error(ErrorKind::invalid_input, std::move(message)).named(name);
}

/// As Go prints a text with %q.
std::string shown(std::string_view value) { return to_text(Json(shortened(value, kShownValue))); }

}  // namespace

Error missing_field(std::string_view field, std::string_view where) {
    return refused("missing_field", fmt::format("\"{}\" is missing from {}", field, where));
}

Error invalid_field_type(std::string_view field, std::string_view value, std::string_view expected) {
    return refused("invalid_field_type",
                   fmt::format("invalid value {} for \"{}\", must be a {}", shown(value), field, expected));
}

Error invalid_format(std::string_view field, std::string_view value, std::string_view format, std::string_view why) {
    return refused("invalid_format",
                   fmt::format("{} must be formatted as a {} but got value {}, {}", field, format, shown(value), why));
}

Error invalid_enum_value(std::string_view field, std::string_view value, const std::vector<std::string>& allowed) {
    std::vector<std::string> words;
    for (const auto& word : allowed) words.push_back(shown(word));
    return refused("invalid_enum_value", fmt::format("value of {} must be one of {} but got value {}", field,
                                                     joined(words, ", "), shown(value)));
}

Error invalid_pattern(std::string_view field, std::string_view value, std::string_view pattern) {
    return refused("invalid_pattern",
                   fmt::format("{} must match the regexp {} but got value {}", field, shown(pattern), shown(value)));
}

Error too_long(std::string_view field, std::string_view value, std::size_t at_most) {
    return refused("invalid_length",
                   fmt::format("length of {} must be lesser or equal than {} but got value {} (len={})", field, at_most,
                               shown(value), value.size()));
}

Error too_short(std::string_view field, std::string_view value, std::size_t at_least) {
    return refused("invalid_length",
                   fmt::format("length of {} must be greater or equal than {} but got value {} (len={})", field,
                               at_least, shown(value), value.size()));
}

Error too_small(std::string_view field, std::int64_t value, std::int64_t at_least) {
    return refused("invalid_range",
                   fmt::format("{} must be greater or equal than {} but got value {}", field, at_least, value));
}

Error too_large(std::string_view field, std::int64_t value, std::int64_t at_most) {
    return refused("invalid_range",
                   fmt::format("{} must be lesser or equal than {} but got value {}", field, at_most, value));
}

void check_identifier(std::string_view field, std::string_view value) {
    if (value.empty()) throw too_short(field, value, 1);
    if (value.size() > kLongestIdentifier) throw too_long(field, value, kLongestIdentifier);
    if (!is_identifier(value))
        throw Error(
            ErrorKind::invalid_input,
            fmt::format("{}: {} is not an identifier: 1 to 36 lower-case letters, digits and single hyphens, with "
                        "a letter or a digit at both ends",
                        field, shown(value)));
}

HttpResponse ControlPlaneErrors::failure(const Failure& failure) const {
    if (std::find(kNames.begin(), kNames.end(), failure.name) == kNames.end()) return NamedErrors::failure(failure);
    HttpResponse response;
    response.status = failure.status;
    response.headers["goa-error"] = failure.name;
    response.headers["Content-Type"] = "application/json";
    response.body = to_text(OrderedJson{{"name", failure.name},
                                        {"id", random_hex(4)},
                                        {"message", failure.message},
                                        {"temporary", false},
                                        {"timeout", false},
                                        {"fault", false}}) +
                    "\n";
    return response;
}

void refuse_unknown_fields(const Json& body, std::string_view what, const std::vector<std::string>& fields,
                           std::string_view separator) {
    for (const auto& item : body.items()) {
        if (std::find(fields.begin(), fields.end(), item.key()) != fields.end()) continue;
        const auto meant = nearest(item.key(), fields);
        throw Error(ErrorKind::invalid_input,
                    fmt::format("unknown field \"{}\" in body: a {} takes {}", shortened(item.key(), 80), what,
                                joined(fields, std::string(separator))),
                    meant ? "did you mean " + *meant + "?" : "");
    }
}

}  // namespace pgedge
