#include "common/api/api_caller.hpp"

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

std::string hint_for(std::string_view name, int status) {
    if (name == "cluster_not_initialized") return "make a cluster of this host first: pgedgectl cluster init";
    if (name == "cluster_already_initialized") return "it is a member of a cluster already: pgedgectl cluster info";
    if (name == "stale_plan") return "plan again and look at what has changed: pgedgectl plan";
    if (name == "operation_already_in_progress")
        return "wait for it: pgedgectl task list shows it, pgedgectl task watch follows it";
    if (name == "database_not_modifiable") return "pgedgectl status shows its state and the reason";
    if (name == "invalid_join_token") return "get a fresh one from a member of the cluster: pgedgectl cluster token";
    if (status == 401 || status == 403) return "use a client certificate: --cert-file and --key-file";
    return {};
}

}  // namespace

Error error_of(const HttpResponse& response, const HttpRequest& request, const std::string& endpoint) {
    std::string name, message;
    if (const auto header = response.headers.find("goa-error"); header != response.headers.end()) name = header->second;
    try {
        const Json body = parse_json(response.body);
        if (body.is_object()) {
            if (name.empty()) name = body.value("name", "");
            message = body.value("message", "");
        }
    } catch (const std::exception&) {
        // Not the API's own error object: a proxy, or a route that this agent does not have.
    }
    if (message.empty() && response.status == 404)
        return {ErrorKind::failed, "the agent at " + endpoint + " does not know " + request.method + " " + request.path,
                "is its version older than this pgedgectl? compare: pgedgectl version --server"};
    if (message.empty()) {
        message = endpoint + " answered " + std::to_string(response.status);
        if (const auto text = trimmed(response.body); !text.empty()) message += ": " + shortened(text, 300);
    }
    const Error error = error_from_api(response.status, name, message);
    Error hinted(error.kind(), error.text(), hint_for(error.name(), response.status));
    return error.name() == hinted.name() ? hinted : std::move(hinted).named(error.name());
}

/// An id from a user becomes one segment of a path: what cannot be one would address something else.
const std::string& checked_segment(const std::string& id, const char* what) {
    const bool plain = !id.empty() && id.size() <= 255 && id != "." && id != ".." &&
                       id.find('/') == std::string::npos && id.find('\0') == std::string::npos;
    if (!plain) throw Error(ErrorKind::not_found, "there is no " + std::string(what) + " '" + id + "'");
    return id;
}

HttpRequest ApiCaller::make_request(const std::string& method, const std::string& path, Query query, const Json* body) {
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.query = std::move(query);
    request.headers["Accept"] = "application/json";
    if (body) {
        request.headers["Content-Type"] = "application/json";
        request.body = to_text(*body);
    }
    return request;
}

Json ApiCaller::parse_answer(std::string_view body) const {
    try {
        return parse_json(body);
    } catch (Error& error) {
        throw Error(ErrorKind::failed, "the answer of " + transport_.endpoint() + " is " + error.text(),
                    "is that the address of a pgedge-agent?");
    }
}

Json ApiCaller::send(const HttpRequest& request, const Limit& limit) {
    const HttpResponse response = transport_.send(request, limit);
    if (response.status >= 400) throw error_of(response, request, transport_.endpoint());
    if (response.status == 204 || trimmed(response.body).empty()) return Json::object();
    return parse_answer(response.body);
}

Json ApiCaller::call(const std::string& method, const std::string& path, Query query, const Json* body) {
    return send(make_request(method, path, std::move(query), body), limit(limits_.request));
}
Json ApiCaller::slow_call(const std::string& method, const std::string& path, Query query, const Json* body) {
    return send(make_request(method, path, std::move(query), body), limit(limits_.slow_request));
}

std::string ApiCaller::path_of(std::initializer_list<std::string_view> segments) const {
    std::string path = prefix_;
    for (const auto segment : segments) (path += '/') += segment;
    return path;
}

}  // namespace pgedge
