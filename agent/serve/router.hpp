#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/serve/api.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// The APIs that an agent serves side by side: finds the one that a request is for, checks that the caller may make it,
/// and gives every failure the form of that API. Filled once, then read by many threads.
class Router {
public:
    explicit Router(Log log = Log::none()) : log_(std::move(log)) {}
    /// The first one also answers for paths that no API claims. The reference lives as long as the Router.
    Api& add(Api api);
    /// Once all routes are there: throws Error{internal} when two APIs of one listener have the same route.
    void check() const;
    /// Runs the handler of the route that fits best, whichever API it belongs to. Unknown path: 404; known path, other
    /// method: 405 with Allow; a caller without the role that this demands: 403, before these; an Error or Failure
    /// as the API writes it; any other exception 500 without its text, which goes to the log. HEAD runs GET. Adds the
    /// API's Content-Type unless the handler set one.
    HttpResponse handle(const HttpRequest& request) const;
    /// What the route of a request with a body says of that body; nullopt: nothing, the server's limit holds. Throws
    /// Error and Failure as handlers do, and Error{denied} for a caller without the route's role.
    std::optional<BodyTerms> body_terms(const HttpRequest& head) const;
    /// What the API that the request is for says of a failure outside of its handlers. The path may be as it was sent.
    HttpResponse refuse(const HttpRequest& request, const Failure& failure) const;
    /// "GET /v1/databases" …: all routes of all APIs.
    std::vector<std::string> routes() const;

private:
    struct Found {
        const Api* api = nullptr;
        Api::Match match;
        std::size_t claimed = 0;        ///< Api::claims()
        std::set<std::string> allowed;  ///< methods that the path has in any API
    };
    static bool better(const Found& a, const Found& b);
    Found find(const HttpRequest& request) const;
    static HttpResponse run(const Found& found, const HttpRequest& request);
    static void add_content_type(HttpResponse& response, const ApiTraits& api, const HttpRequest& request);

    Log log_;
    std::vector<std::unique_ptr<Api>> apis_;
};

}  // namespace pgedge
