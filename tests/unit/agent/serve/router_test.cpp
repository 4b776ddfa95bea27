#include "agent/serve/router.hpp"

#include <stdexcept>

#include <doctest/doctest.h>

#include "common/base/json.hpp"

using namespace pgedge;

namespace {

HttpRequest request(std::string method, std::string path) {
    HttpRequest request;
    request.method = std::move(method);
    request.path = std::move(path);
    return request;
}

/// Answers with its own name and the variables it got.
HttpHandler says(std::string name) {
    return [name](const HttpRequest&, const PathParameters& parameters) {
        HttpResponse response;
        response.body = name;
        for (const auto& [variable, value] : parameters) response.body += " " + variable + "=" + value;
        return response;
    };
}

/// One API with errors in the ordinary form, for callers who may do everything.
struct OneApi {
    Router router;
    Api& api = router.add(
        Api({.name = "test", .prefixes = {"/v1"}, .role_of = [](const HttpRequest&) { return Role::admin; }}));
    void add(const std::string& method, const std::string& pattern, HttpHandler handler) {
        api.add(Role::read, method, pattern, std::move(handler));
    }
    HttpResponse handle(const HttpRequest& request) const { return router.handle(request); }
};

Router sample() {
    OneApi one;
    one.add("GET", "/", says("root"));
    one.add("GET", "/v1/databases", says("list"));
    one.add("POST", "/v1/databases", says("create"));
    one.add("GET", "/v1/databases/{database_id}", says("get"));
    one.add("GET", "/v1/databases/{database_id}/tasks/{task_id}", says("task"));
    one.add("GET", "/v1/databases/{database_id}/tasks/newest", says("newest"));
    one.add("GET", "/v1/{anything}/storefront", says("odd"));
    return std::move(one.router);
}

}  // namespace

TEST_CASE("requests find their handler, with the values of the path's variables") {
    const Router router = sample();

    CHECK(router.handle(request("GET", "/")).body == "root");
    CHECK(router.handle(request("GET", "/v1/databases")).body == "list");
    CHECK(router.handle(request("POST", "/v1/databases")).body == "create");
    CHECK(router.handle(request("GET", "/v1/databases/a b")).body == "get database_id=a b");
    CHECK(router.handle(request("GET", "/v1/databases/d/tasks/t")).body == "task database_id=d task_id=t");
}

TEST_CASE("a fixed segment wins over a variable one, the earlier the stronger") {
    const Router router = sample();

    CHECK(router.handle(request("GET", "/v1/databases/d/tasks/newest")).body == "newest database_id=d");
    CHECK(router.handle(request("GET", "/v1/databases/storefront")).body == "get database_id=storefront");
    CHECK(router.handle(request("GET", "/v1/hosts/storefront")).body == "odd anything=hosts");
}

TEST_CASE("an unknown path is 404 in plain text, as Go's router says it") {
    const Router router = sample();
    for (const char* path : {"/v2", "/v1/databases/", "/v1/databases//tasks/t", "/v1", "", "/v1/databases/a/b/c/d/e"}) {
        CAPTURE(path);
        const HttpResponse response = router.handle(request("GET", path));
        CHECK(response.status == 404);
        CHECK(response.body == "404 page not found\n");
        CHECK(response.headers.at("content-type") == "text/plain; charset=utf-8");
        CHECK_FALSE(response.headers.contains("goa-error"));
    }
}

TEST_CASE("a known path with another method is 405 with the methods that are allowed") {
    const HttpResponse response = sample().handle(request("DELETE", "/v1/databases"));

    CHECK(response.status == 405);
    CHECK(response.headers.at("Allow") == "GET, HEAD, POST");
    CHECK(response.headers.at("goa-error") == "method_not_allowed");
}

TEST_CASE("HEAD runs GET") { CHECK(sample().handle(request("HEAD", "/v1/databases")).body == "list"); }

TEST_CASE("an Error is answered with its name, its status and the header that clients look at") {
    OneApi router;
    router.add("GET", "/x", [](const HttpRequest&, const PathParameters&) -> HttpResponse {
        throw Error(ErrorKind::conflict, "operation invalid on an uninitialized cluster")
            .named("cluster_not_initialized");
    });

    const HttpResponse response = router.handle(request("GET", "/x"));

    CHECK(response.status == 409);
    CHECK(response.headers.at("goa-error") == "cluster_not_initialized");
    CHECK(response.headers.at("Content-Type") == "application/json");
    CHECK(response.body ==
          R"({"name":"cluster_not_initialized","message":"operation invalid on an uninitialized cluster"})");
}

TEST_CASE("the text of an unexpected exception stays with us") {
    OneApi router;
    router.add("GET", "/x", [](const HttpRequest&, const PathParameters&) -> HttpResponse {
        throw std::runtime_error("password=hunter2");
    });

    const HttpResponse response = router.handle(request("GET", "/x"));

    CHECK(response.status == 500);
    CHECK(parse_json(response.body).at("name") == "server_error");
    CHECK(response.body.find("hunter2") == std::string::npos);
}

TEST_CASE("content is JSON unless the handler says otherwise, and no content has no type") {
    OneApi router;
    router.add("GET", "/json", says("{}"));
    router.add("GET", "/text", [](const HttpRequest&, const PathParameters&) {
        HttpResponse response;
        response.headers["content-type"] = "text/plain";
        response.body = "x";
        return response;
    });
    router.add("GET", "/none", [](const HttpRequest&, const PathParameters&) {
        HttpResponse response;
        response.status = 204;
        return response;
    });

    CHECK(router.handle(request("GET", "/json")).headers.at("Content-Type") == "application/json");
    CHECK(router.handle(request("GET", "/text")).headers.at("Content-Type") == "text/plain");
    CHECK(router.handle(request("GET", "/none")).headers.empty());
}

TEST_CASE("routes are listed and cannot be added twice") {
    OneApi router;
    router.add("GET", "/v1/hosts/{host_id}", says("x"));
    router.add("DELETE", "/v1/hosts/{host_id}", says("x"));

    CHECK(router.router.routes() == std::vector<std::string>{"GET /v1/hosts/{host_id}", "DELETE /v1/hosts/{host_id}"});
    CHECK_THROWS_AS(router.add("GET", "/v1/hosts/{host_id}", says("x")), Error);
    CHECK_THROWS_AS(router.add("GET", "/v1/hosts/{another_name}", says("x")), Error);
}
