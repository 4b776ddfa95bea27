#include "agent/serve/router.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <tuple>

#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// The one place where it is decided whether a caller may make a call.
void check_role(const ApiTraits& api, Role needed, const HttpRequest& request) {
    if (needed == Role::anyone) return;
    const Role role = api.role_of(request);
    if (role >= needed) return;
    if (needed == Role::agent) throw Error(ErrorKind::denied, "only agents of this cluster may call this");
    throw Error(ErrorKind::denied, request.caller.text() + " may not call this: it needs the role \"" +
                                       std::string(to_string(needed)) + "\" and has \"" + std::string(to_string(role)) +
                                       "\"");
}

bool meet(const Api& a, const Api& b) {
    const auto& listeners = a.traits().listeners;
    return std::any_of(listeners.begin(), listeners.end(), [&](const auto& name) { return b.served_on(name); });
}

}  // namespace

Api& Router::add(Api api) { return *apis_.emplace_back(std::make_unique<Api>(std::move(api))); }

void Router::check() const {
    for (auto one = apis_.begin(); one != apis_.end(); ++one)
        for (auto other = std::next(one); other != apis_.end(); ++other) {
            const auto shared = meet(**one, **other) ? (*one)->shared_route(**other) : std::string();
            if (!shared.empty())
                throw Error(ErrorKind::internal, "the APIs \"" + (*one)->traits().name + "\" and \"" +
                                                     (*other)->traits().name + "\" both have the route " + shared);
        }
}

/// Whether `a` is to answer rather than `b`: the route that fits better decides; without one, a path that is known with
/// other methods, then the longer prefix.
bool Router::better(const Found& a, const Found& b) {
    if (a.match.route && b.match.route) return Api::more_exact(*a.match.route, *b.match.route);
    const auto rank = [](const Found& found) {
        return std::tuple(found.match.route != nullptr, !found.match.methods.empty(), found.claimed);
    };
    return rank(a) > rank(b);
}

Router::Found Router::find(const HttpRequest& request) const {
    const auto path = split(request.path, '/');
    Found best;
    std::set<std::string> allowed;
    for (const auto& api : apis_) {
        if (!api->served_on(request.listener)) continue;
        Found found{api.get(), api->find(request.method, path), api->claims(path), {}};
        allowed.insert(found.match.methods.begin(), found.match.methods.end());
        if (!best.api || better(found, best)) best = std::move(found);
    }
    if (allowed.contains("GET")) allowed.insert("HEAD");
    best.allowed = std::move(allowed);
    return best;
}

HttpResponse Router::run(const Found& found, const HttpRequest& request) {
    const ApiTraits& api = found.api->traits();
    if (found.match.route) {
        check_role(api, found.match.route->role, request);
        return found.match.route->handler(request, found.match.parameters);
    }
    check_role(api, std::min(api.least_role, found.match.least_role), request);
    if (found.allowed.empty()) return api.errors->unknown_path(request);
    HttpResponse response = api.errors->wrong_method(request);
    response.headers["Allow"] = joined({found.allowed.begin(), found.allowed.end()}, ", ");
    return response;
}

HttpResponse Router::handle(const HttpRequest& request) const {
    const Found found = find(request);
    if (!found.api) return named_errors()->unknown_path(request);  // nothing is served there
    const ApiTraits& api = found.api->traits();
    HttpResponse response;
    try {
        response = run(found, request);
    } catch (const Error& error) {
        response = api.errors->failure(error);
    } catch (const Failure& failure) {
        response = api.errors->failure(failure);
    } catch (const std::exception& error) {
        log_.error("unexpected failure of a request",
                   {{"method", request.method}, {"path", request.path}, {"error", error.what()}});
        response = api.errors->failure(Error(ErrorKind::internal, "internal error; the agent's log has the details"));
    }
    add_content_type(response, api, request);
    return response;
}

void Router::add_content_type(HttpResponse& response, const ApiTraits& api, const HttpRequest& request) {
    if (!response.stream && response.body.empty()) return;
    response.headers.try_emplace("Content-Type",
                                 api.content_type_for ? api.content_type_for(request) : api.content_type);
}

std::optional<BodyTerms> Router::body_terms(const HttpRequest& head) const {
    const Found found = find(head);
    if (!found.api || !found.match.route || !found.match.route->gate) return std::nullopt;
    check_role(found.api->traits(), found.match.route->role, head);
    return found.match.route->gate(head, found.match.parameters);
}

HttpResponse Router::refuse(const HttpRequest& request, const Failure& failure) const {
    const Found found = find(request);
    if (!found.api) return named_errors()->failure(failure);
    HttpResponse response = found.api->traits().errors->failure(failure);
    add_content_type(response, found.api->traits(), request);
    return response;
}

std::vector<std::string> Router::routes() const {
    std::vector<std::string> all;
    for (const auto& api : apis_)
        for (auto& route : api->routes()) all.push_back(std::move(route));
    return all;
}

}  // namespace pgedge
