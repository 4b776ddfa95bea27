#include "agent/api/control_plane/api_route.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "agent/api/control_plane/decode_error.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

/// What Go's strconv.ParseBool takes.
constexpr std::array<std::string_view, 6> kTrue{"1", "t", "T", "TRUE", "true", "True"};
constexpr std::array<std::string_view, 6> kFalse{"0", "f", "F", "FALSE", "false", "False"};
constexpr std::size_t kLargeBody = 64 * 1024;
constexpr std::size_t kLongestId = 63;  // 36 for new ones; older clusters may hold longer ones

bool contains(const auto& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<bool> parse_boolean(std::string_view text) {
    if (contains(kTrue, text)) return true;
    if (contains(kFalse, text)) return false;
    return std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

void check_length(const std::string& name, const std::string& value, std::size_t at_most) {
    if (value.empty()) throw too_short(name, value, 1);
    if (value.size() > at_most) throw too_long(name, value, at_most);
}

bool is_node_name(std::string_view value) {
    return value.size() > 1 && value.front() == 'n' &&
           value.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

void check(const ApiParameter& parameter, const std::string& value) {
    switch (parameter.type) {
        case ApiParameterType::text:
        case ApiParameterType::texts: return;
        case ApiParameterType::identifier:
        case ApiParameterType::instance: return check_length(parameter.name, value, kLongestId);
        case ApiParameterType::node:
            if (!is_node_name(value)) throw invalid_pattern(parameter.name, value, "n[0-9]+");
            return;
        case ApiParameterType::uuid:
            if (!is_uuid(value))
                throw Error(ErrorKind::invalid_input,
                            "the given " +
                                std::string(parameter.name == "after_entry_id" ? "log entry ID" : "task ID") +
                                " is invalid");
            return;
        case ApiParameterType::scope:
        case ApiParameterType::sort_order:
            if (const auto& words = allowed_words(parameter.type); !contains(words, value))
                throw invalid_enum_value(parameter.name, value, words);
            return;
        case ApiParameterType::integer:
            if (!parse_integer(value)) throw invalid_field_type(parameter.name, value, "integer");
            return;
        case ApiParameterType::boolean:
            if (!parse_boolean(value)) throw invalid_field_type(parameter.name, value, "boolean");
            return;
    }
}

void check_parameters(const ApiRoute& route, const HttpRequest& request, const PathParameters& path) {
    for (const auto& parameter : route.parameters) {
        if (const auto found = path.find(parameter.name); found != path.end())
            check(parameter, found->second);
        else if (const auto value = request.parameter(parameter.name))
            check(parameter, *value);
    }
}

HttpResponse answer(const ApiRoute& route, const ControlPlane& plane, const HttpRequest& request,
                    const PathParameters& path) {
    if (request.body.size() > kMaxBody)
        throw Error(ErrorKind::invalid_input, "the request's body is larger than 1 MiB").named("payload_too_large");
    auto cluster = plane.services();
    if (!cluster && !route.before_init)
        throw Error(ErrorKind::conflict, "operation invalid on an uninitialized cluster")
            .named("cluster_not_initialized");
    check_parameters(route, request, path);
    return route.run(ApiCall{request, path, plane, std::move(cluster), Limit(route.at_most, request.stop)});
}

std::vector<ApiRoute> collected() {
    std::vector<ApiRoute> all;
    for (auto make : {cluster_routes, host_routes, database_routes, instance_routes, link_routes, node_routes,
                      backup_routes, plan_routes, task_routes, later_routes, description_routes}) {
        auto some = make();
        std::move(some.begin(), some.end(), std::back_inserter(all));
    }
    return all;
}

}  // namespace

bool ApiCall::flag(std::string_view name) const {
    const auto value = request.parameter(name);
    return value && parse_boolean(*value).value_or(false);
}

std::optional<std::int64_t> ApiCall::count(std::string_view name) const {
    const auto value = request.parameter(name);
    const auto number = value ? parse_integer(*value) : std::nullopt;
    if (!number || *number == 0) return std::nullopt;
    if (*number < 0) throw too_small(name, *number, 0);
    return number;
}

std::vector<std::string> ApiCall::all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [key, value] : request.query)
        if (key == name) values.push_back(value);
    return values;
}

std::unique_lock<LimitedMutex> ApiCall::turn_to_read() const {
    static LimitedMutex one_at_a_time;  // of the process, as its memory is
    if (request.body.size() <= kLargeBody) return {};
    one_at_a_time.lock(limit, "waiting for other large requests to be read");
    return {one_at_a_time, std::adopt_lock};
}

bool ApiCall::has_body() const { return request.body.find_first_not_of(" \t\r\n") != std::string::npos; }

Json ApiCall::body() const {
    if (!has_body()) throw Error(ErrorKind::invalid_input, "missing required payload").named("missing_payload");
    Json parsed;
    try {
        parsed = parse_json(request.body);
    } catch (const Error& error) {
        throw Error(ErrorKind::invalid_input, "the request's body is not JSON: " + error.text())
            .named("decode_payload");
    }
    if (!parsed.is_object()) throw invalid_field_type("body", parsed.type_name(), "object");
    return parsed;
}

const std::vector<ApiRoute>& control_plane_routes() {
    static const std::vector<ApiRoute> all = collected();
    return all;
}

HttpResponse json_response(const OrderedJson& document, int status) {
    return json_text_response(to_text(document), status);
}

HttpResponse json_text_response(std::string document, int status) {
    HttpResponse response;
    response.status = status;
    response.headers["Content-Type"] = "application/json";
    response.body = std::move(document) + "\n";
    return response;
}

const std::vector<std::string>& allowed_words(ApiParameterType type) {
    static const std::vector<std::string> any, scopes{"database", "host"},
        orders{"asc", "ascend", "ascending", "desc", "descend", "descending"};
    return type == ApiParameterType::scope ? scopes : type == ApiParameterType::sort_order ? orders : any;
}

bool in_path(const ApiRoute& route, const std::string& name) {
    return route.path.find("{" + name + "}") != std::string::npos;
}

Api control_plane_api(const ControlPlane& plane) {
    Api api({.name = "control plane",
             .prefixes = {"/v1"},
             .errors = std::make_shared<ControlPlaneErrors>(),
             .role_of = [](const HttpRequest&) { return Role::admin; }});
    for (const auto& route : control_plane_routes())
        api.add(route.role, route.method, route.path,
                [&route, plane](const HttpRequest& request, const PathParameters& path) {
                    return answer(route, plane, request, path);
                });
    return api;
}

}  // namespace pgedge
