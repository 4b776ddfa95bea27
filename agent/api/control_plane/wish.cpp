#include "agent/api/control_plane/wish.hpp"

#include <fmt/format.h>

#include "agent/api/control_plane/decode_error.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kLongestInstanceId = 63;

[[noreturn]] void wrong_type(const std::string& name, const Json& value, const char* expected) {
    throw invalid_field_type("body." + name, to_text(value), expected);
}

}  // namespace

Wish::Wish(const ApiCall& call, const char* what, const std::vector<std::string>& fields)
    : body_(call.has_body() ? call.body() : Json::object()) {
    refuse_unknown_fields(body_, what, fields);
}

std::string Wish::candidate() const {
    const Json* value = find("candidate_instance_id");
    if (!value) return "";
    if (!value->is_string()) wrong_type("candidate_instance_id", *value, "string");
    auto id = value->get<std::string>();
    if (id.empty()) throw too_short("body.candidate_instance_id", id, 1);
    if (id.size() > kLongestInstanceId) throw too_long("body.candidate_instance_id", id, kLongestInstanceId);
    return id;
}

std::optional<WallTime> Wish::scheduled_at() const {
    const Json* value = find("scheduled_at");
    if (!value) return std::nullopt;
    if (!value->is_string()) wrong_type("scheduled_at", *value, "string");
    const auto text = value->get<std::string>();
    try {
        return parse_rfc3339(text);
    } catch (const Error& error) {
        throw invalid_format("body.scheduled_at", text, "date-time", error.hint());
    }
}

bool Wish::skip_validation() const {
    const Json* value = find("skip_validation");
    if (value && !value->is_boolean()) wrong_type("skip_validation", *value, "boolean");
    return value && value->get<bool>();
}

std::chrono::seconds Wish::duration() const {
    constexpr std::int64_t kLeast = 60, kUsual = 3'600, kMost = 86'400;
    const Json* value = find("duration_seconds");
    if (!value) return std::chrono::seconds(kUsual);
    if (!value->is_number_integer()) wrong_type("duration_seconds", *value, "integer");
    const auto seconds = value->get<std::int64_t>();
    if (seconds < kLeast || seconds > kMost)
        throw Error(ErrorKind::invalid_input,
                    fmt::format("body.duration_seconds must be between {} and {}", kLeast, kMost));
    return std::chrono::seconds(seconds);
}

const Json* Wish::find(const char* name) const {
    const auto found = body_.find(name);
    return found == body_.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace pgedge
