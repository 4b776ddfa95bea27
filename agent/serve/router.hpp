#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.hpp"
#include "common/base/log.hpp"
#include "common/net/http.hpp"

namespace pgedge {

/// Values of the path's variables: {"database_id": "storefront"}.
using PathParameters = std::map<std::string, std::string>;
using HttpHandler = std::function<HttpResponse(const HttpRequest&, const PathParameters&)>;

/// Finds the handler of a request. Filled once, then read by many threads.
class Router {
public:
    explicit Router(Log log = Log::none()) : log_(std::move(log)) {}
    /// `pattern` is "/v1/databases/{database_id}/tasks". A fixed segment wins over a variable one; a variable one is
    /// never empty. Throws Error{internal} when the same method and pattern are there already.
    void add(std::string method, const std::string& pattern, HttpHandler handler);
    /// Runs the handler. Unknown path: 404 in plain text, as Go's router says it; known path, other method: 405 with
    /// Allow. An Error becomes {"name", "message"} with the `goa-error` header and its status; any other exception 500
    /// without its text, which goes to the log. HEAD runs GET. Adds Content-Type: application/json unless the handler
    /// set one.
    HttpResponse handle(const HttpRequest& request) const;
    /// "GET /v1/databases" …: all that was added, for the test against the OpenAPI document.
    std::vector<std::string> routes() const;

private:
    struct Route {
        std::string method;
        std::vector<std::string> segments;
        HttpHandler handler;
    };
    HttpResponse dispatch(const HttpRequest& request) const;
    Log log_;
    std::vector<Route> routes_;
};

/// {"name": …, "message": …} with the goa-error header. The message of an Error ends with its hint.
HttpResponse error_response(int status, std::string_view name, std::string_view message);
HttpResponse error_response(const Error& error);

}  // namespace pgedge
