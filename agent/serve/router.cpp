#include "agent/serve/router.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <set>

#include "common/base/json.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

bool is_variable(std::string_view segment) { return segment.starts_with('{') && segment.ends_with('}'); }

/// The variables' values when the path fits.
std::optional<PathParameters> match(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
    if (pattern.size() != path.size()) return std::nullopt;
    PathParameters parameters;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (!is_variable(pattern[i])) {
            if (pattern[i] != path[i]) return std::nullopt;
        } else if (path[i].empty()) {
            return std::nullopt;
        } else {
            parameters[pattern[i].substr(1, pattern[i].size() - 2)] = path[i];
        }
    }
    return parameters;
}

/// The earliest segment that differs decides.
bool more_exact(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [](const auto& x, const auto& y) { return !is_variable(x) && is_variable(y); });
}

}  // namespace

void Router::add(std::string method, const std::string& pattern, HttpHandler handler) {
    auto segments = split(pattern, '/');
    for (const auto& route : routes_)
        if (route.method == method && route.segments == segments)
            throw Error(ErrorKind::internal, "route " + method + " " + pattern + " was added twice");
    routes_.push_back({std::move(method), std::move(segments), std::move(handler)});
}

HttpResponse Router::handle(const HttpRequest& request) const {
    HttpResponse response;
    try {
        response = dispatch(request);
    } catch (const Error& error) {
        response = error_response(error);
    } catch (const std::exception& error) {
        log_.error("unexpected failure of a request",
                   {{"method", request.method}, {"path", request.path}, {"error", error.what()}});
        response = error_response(Error(ErrorKind::internal, "internal error; the agent's log has the details"));
    }
    const bool has_body = response.stream || !response.body.empty();
    if (has_body) response.headers.try_emplace("Content-Type", "application/json");
    return response;
}

HttpResponse Router::dispatch(const HttpRequest& request) const {
    const auto path = split(request.path, '/');
    const Route* best = nullptr;
    PathParameters parameters;
    std::set<std::string> methods;
    for (const auto& route : routes_) {
        auto values = match(route.segments, path);
        if (!values) continue;
        methods.insert(route.method);
        const bool answers = route.method == request.method || (request.method == "HEAD" && route.method == "GET");
        if (!answers || (best && !more_exact(route.segments, best->segments))) continue;
        best = &route;
        parameters = std::move(*values);
    }
    if (best) return best->handler(request, parameters);

    if (methods.empty()) {
        HttpResponse response{404, {{"Content-Type", "text/plain; charset=utf-8"}}, "404 page not found\n", {}};
        return response;
    }
    if (methods.contains("GET")) methods.insert("HEAD");
    HttpResponse response = error_response(405, "method_not_allowed", request.method + " is not allowed here");
    response.headers["Allow"] = joined({methods.begin(), methods.end()}, ", ");
    return response;
}

std::vector<std::string> Router::routes() const {
    std::vector<std::string> all;
    for (const auto& route : routes_) all.push_back(route.method + " " + joined(route.segments, "/"));
    return all;
}

HttpResponse error_response(int status, std::string_view name, std::string_view message) {
    HttpResponse response;
    response.status = status;
    response.headers = {{"Content-Type", "application/json"}, {"goa-error", std::string(name)}};
    response.body = to_text(OrderedJson{{"name", name}, {"message", message}});
    return response;
}

HttpResponse error_response(const Error& error) {
    return error_response(error.http_status(), error.name(), error.text_and_hint());
}

}  // namespace pgedge
