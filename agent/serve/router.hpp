#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/http.hpp"

namespace pgedge {

/// Values of the path's variables: {"database_id": "storefront"}.
using PathParameters = std::map<std::string, std::string>;
using HttpHandler = std::function<HttpResponse(const HttpRequest&, const PathParameters&)>;

/// Finds the handler of a request. Filled once, then read by many threads.
class Router {
public:
    /// `pattern` is "/v1/databases/{database_id}/tasks". A fixed segment wins over a variable one.
    void add(std::string method, std::string pattern, HttpHandler handler);
    /// Runs the handler. Unknown path: 404 in plain text, as Go's router says it; known path, other method: 405 with
    /// Allow. An Error becomes {"name", "message"} with the `goa-error` header and its status; any other exception 500
    /// without its text. HEAD runs GET. Adds Content-Type: application/json unless the handler set one.
    HttpResponse handle(const HttpRequest& request) const;
    /// "GET /v1/databases" …: all that was added, for the test against the OpenAPI document.
    std::vector<std::string> routes() const;

private:
    struct Route {
        std::string method;
        std::vector<std::string> segments;
        HttpHandler handler;
    };
    std::vector<Route> routes_;
};

/// {"name": …, "message": …} with the goa-error header.
HttpResponse error_response(int status, std::string_view name, std::string_view message);

}  // namespace pgedge
