#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/serve/error_form.hpp"
#include "common/base/json.hpp"
#include "common/net/http.hpp"
#include "common/net/principal.hpp"

namespace pgedge {

/// Values of the path's variables: {"database_id": "storefront"}.
using PathParameters = std::map<std::string, std::string>;
using HttpHandler = std::function<HttpResponse(const HttpRequest&, const PathParameters&)>;

/// What makes an API different from the others of an agent.
struct ApiTraits {
    std::string name;  ///< in messages: "control plane"
    /// Paths that begin so belong to it also when it has no route for them: their 404 has its form. Segments may be
    /// variable: "/db/{database_id}/{node}/api/pg/v1". The longest prefix wins.
    std::vector<std::string> prefixes{};
    std::set<std::string> listeners{std::string(kApiListener)};  ///< ListenAddress::name of where it is served
    std::shared_ptr<const ErrorForm> errors = named_errors();
    std::string content_type = "application/json";  ///< of answers whose handler sets none
    /// The same where it depends on the request, e.g. on its Accept. Unless given, `content_type`.
    std::function<std::string(const HttpRequest&)> content_type_for{};
    /// What the caller of a request may do; unless given, only what anyone may. Asked only where more is demanded; may
    /// take a while.
    std::function<Role(const HttpRequest&)> role_of = [](const HttpRequest&) { return Role::anyone; };
    /// Demanded of whoever is to learn that there is no such path, or no such method of a path. 403 for others,
    /// except about a method where the path has a route for them.
    Role least_role = Role::anyone;
};

/// What a route says of a request's body before any of it is read.
struct BodyTerms {
    std::size_t most = 0;            ///< bytes; more is 413, whether announced or not
    std::shared_ptr<void> reserved;  ///< what the request needs until it is answered, e.g. its turn; may be null
    /// For the whole body. Without it the server's own limit, which is for small ones.
    std::chrono::milliseconds at_most{};
    std::chrono::milliseconds idle{};  ///< between two parts of it; more is 408. Without it, no such limit
};
/// Looks at the head of a request that has a body: throws what the handler would throw, so that nobody sends in vain.
using BodyGate = std::function<BodyTerms(const HttpRequest& head, const PathParameters&)>;

/// One HTTP API: its routes, and what ApiTraits says. Filled once, then read by many threads. The document that
/// describes it, if any, is a route like the others.
class Api {
public:
    explicit Api(ApiTraits traits);
    /// `pattern` is the whole path: "/v1/databases/{database_id}/tasks". A fixed segment wins over a variable one; a
    /// variable one is never empty. A caller with less than `role` gets 403. Throws Error{internal} when a route for
    /// the same method and paths is there already.
    /// `gate` lets bodies in that are larger than the server's limit; without it that limit holds.
    void add(Role role, std::string method, const std::string& pattern, HttpHandler handler, BodyGate gate = {});
    const ApiTraits& traits() const { return traits_; }
    bool served_on(const std::string& listener) const;
    /// Number of segments of the longest prefix that `path` begins with; 0: none fits.
    std::size_t claims(const std::vector<std::string>& path) const;
    /// "GET /v1/databases" …: for the test against the document.
    std::vector<std::string> routes() const;

    struct Route {
        Role role;
        std::string method;
        std::vector<std::string> segments;
        HttpHandler handler;
        BodyGate gate;  ///< may be empty
    };
    /// The route that answers, and the variables' values; when there is none, the methods that the path has, and the
    /// least role that one of them demands.
    struct Match {
        const Route* route = nullptr;
        PathParameters parameters;
        std::set<std::string> methods;
        Role least_role = Role::agent;
    };
    Match find(const std::string& method, const std::vector<std::string>& path) const;
    /// Whether `a` fits a path more exactly than `b`, which fits it too: the earliest segment that differs decides.
    static bool more_exact(const Route& a, const Route& b);
    /// A route of `other` that answers the same method of the same paths as one of ours: "GET /v1/x"; empty: none.
    std::string shared_route(const Api& other) const;

private:
    ApiTraits traits_;
    std::vector<std::vector<std::string>> prefixes_;
    std::vector<Route> routes_;
};

}  // namespace pgedge
