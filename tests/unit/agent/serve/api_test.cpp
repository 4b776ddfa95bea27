#include <stdexcept>

#include <doctest/doctest.h>

#include "agent/serve/router.hpp"
#include "common/base/json.hpp"

using namespace pgedge;

namespace {

/// Errors as another API writes them: a number, and everything in plain text.
class Numbered final : public ErrorForm {
public:
    HttpResponse failure(const Failure& failure) const override {
        HttpResponse response;
        response.status = failure.status;
        response.headers["Content-Type"] = "text/plain; charset=utf-8";
        response.body =
            to_text(OrderedJson{{"code", failure.status / 100}, {"msg", failure.message}, {"name", failure.name}});
        return response;
    }
};

HttpHandler answers_with(const std::string& text) {
    return [text](const HttpRequest&, const PathParameters&) {
        HttpResponse response;
        response.body = text;
        return response;
    };
}

HttpHandler fails() {
    return [](const HttpRequest&, const PathParameters&) -> HttpResponse {
        throw Error(ErrorKind::not_found, "no such thing", "look elsewhere");
    };
}

/// Callers get a role by the name in their certificate.
Role role_by_name(const HttpRequest& request) {
    if (request.caller.certificate == "admin") return Role::admin;
    return request.caller.certificate == "operator" ? Role::operate : Role::read;
}

/// Two APIs in one router: one as the control plane has it, one with numbers, on a listener of its own, too.
struct TwoApis {
    Router router;
    Api& named = router.add(Api({.name = "named", .prefixes = {"/v1"}, .role_of = role_by_name}));
    Api& numbered = router.add(Api({.name = "numbered",
                                    .prefixes = {"/api/pg/v1", "/db/{database_id}/{node}/api/pg/v1"},
                                    .listeners = {"api", "pg"},
                                    .errors = std::make_shared<Numbered>(),
                                    .content_type = "text/plain; charset=utf-8",
                                    .role_of = role_by_name}));

    TwoApis() {
        named.add(Role::anyone, "GET", "/", answers_with("root"));
        named.add(Role::anyone, "GET", "/v1/version", answers_with("{}"));
        named.add(Role::read, "GET", "/v1/things/{id}", fails());
        named.add(Role::operate, "POST", "/v1/things/{id}", answers_with("{}"));
        numbered.add(Role::read, "GET", "/api/pg/v1/lsn/{id}", fails());
        numbered.add(Role::read, "GET", "/api/pg/v1/state", answers_with("{}"));
        numbered.add(Role::admin, "POST", "/api/pg/v1/state", answers_with("{}"));
    }
    HttpResponse send(const std::string& method, const std::string& path, const std::string& name = "operator",
                      const std::string& listener = "api") const {
        HttpRequest request;
        request.method = method;
        request.path = path;
        request.listener = listener;
        request.caller.address = "10.0.0.7";
        request.caller.certificate = name;
        return router.handle(request);
    }
};

}  // namespace

TEST_CASE("each API tells its errors in its own form, whatever the error is") {
    const TwoApis apis;

    const HttpResponse named = apis.send("GET", "/v1/things/1");
    CHECK(named.status == 404);
    CHECK(named.headers.at("goa-error") == "not_found");
    CHECK(named.body == R"({"name":"not_found","message":"no such thing; look elsewhere"})");

    const HttpResponse numbered = apis.send("GET", "/api/pg/v1/lsn/1");
    CHECK(numbered.status == 404);
    CHECK_FALSE(numbered.headers.contains("goa-error"));
    CHECK(numbered.headers.at("Content-Type") == "text/plain; charset=utf-8");
    CHECK(numbered.body == R"({"code":4,"msg":"no such thing; look elsewhere","name":"not_found"})");
}

TEST_CASE("an unknown path is answered by the API whose prefix it has, any other by the first one") {
    const TwoApis apis;

    for (const char* path : {"/v1/none", "/none", "/api", "/api/pg/v1x", "/db/storefront/n1"}) {
        CAPTURE(path);
        CHECK(apis.send("GET", path).body == "404 page not found\n");
    }
    for (const char* path : {"/api/pg/v1/none", "/api/pg/v1", "/api/pg/v1/", "/db/storefront/n1/api/pg/v1/none"}) {
        CAPTURE(path);
        const HttpResponse response = apis.send("GET", path);
        CHECK(response.status == 404);
        CHECK(parse_json(response.body).at("name") == "not_found");
        CHECK(parse_json(response.body).at("code") == 4);
    }
}

TEST_CASE("a wrong method has the form of the API that knows the path, and its methods") {
    const TwoApis apis;

    const HttpResponse named = apis.send("DELETE", "/v1/things/1");
    CHECK(named.status == 405);
    CHECK(named.headers.at("Allow") == "GET, HEAD, POST");
    CHECK(named.headers.at("goa-error") == "method_not_allowed");

    const HttpResponse numbered = apis.send("PUT", "/api/pg/v1/lsn/1");
    CHECK(numbered.status == 405);
    CHECK(numbered.headers.at("Allow") == "GET, HEAD");
    CHECK(parse_json(numbered.body).at("code") == 4);
}

TEST_CASE("answers have the content type of their API unless the handler says otherwise") {
    const TwoApis apis;
    CHECK(apis.send("GET", "/v1/version").headers.at("Content-Type") == "application/json");
    CHECK(apis.send("GET", "/api/pg/v1/state").headers.at("Content-Type") == "text/plain; charset=utf-8");
}

TEST_CASE("an unexpected exception has the form of the API, too, without its text") {
    TwoApis apis;
    apis.numbered.add(Role::read, "GET", "/api/pg/v1/odd",
                      [](const HttpRequest&, const PathParameters&) -> HttpResponse {
                          throw std::runtime_error("password=hunter2");
                      });

    const HttpResponse response = apis.send("GET", "/api/pg/v1/odd");

    CHECK(response.status == 500);
    CHECK(parse_json(response.body).at("code") == 5);
    CHECK(response.body.find("hunter2") == std::string::npos);
}

TEST_CASE("an API is served on its own listeners and on no other") {
    const TwoApis apis;

    CHECK(apis.send("GET", "/api/pg/v1/state", "reader", "pg").status == 200);
    const HttpResponse elsewhere = apis.send("GET", "/v1/version", "reader", "pg");
    CHECK(elsewhere.status == 404);
    CHECK(parse_json(elsewhere.body).at("code") == 4);  // nobody else answers there
    CHECK(apis.send("GET", "/v1/version", "reader", "nowhere").status == 404);
    CHECK(apis.send("GET", "/api/pg/v1/state", "reader", "nowhere").status == 404);
}

TEST_CASE("a caller without the role that a route demands is refused in the form of the API") {
    const TwoApis apis;

    CHECK(apis.send("POST", "/v1/things/1", "operator").status == 200);
    CHECK(apis.send("POST", "/v1/things/1", "admin").status == 200);
    const HttpResponse named = apis.send("POST", "/v1/things/1", "watcher");
    CHECK(named.status == 403);
    CHECK(named.headers.at("goa-error") == "denied");
    CHECK(parse_json(named.body).at("message") ==
          "certificate watcher may not call this: it needs the role \"operate\" and has \"read\"");

    CHECK(apis.send("POST", "/api/pg/v1/state", "admin").status == 200);
    const HttpResponse numbered = apis.send("POST", "/api/pg/v1/state", "operator");
    CHECK(numbered.status == 403);
    CHECK_FALSE(numbered.headers.contains("goa-error"));
    CHECK(parse_json(numbered.body).at("name") == "denied");
}

TEST_CASE("what anyone may call asks for no role") {
    Router router;
    Api& api = router.add(Api({.name = "closed", .prefixes = {"/v1"}, .role_of = [](const HttpRequest&) -> Role {
                                   throw Error(ErrorKind::unreachable, "the store has no leader");
                               }}));
    api.add(Role::anyone, "GET", "/v1/version", answers_with("{}"));
    api.add(Role::read, "GET", "/v1/things", answers_with("{}"));
    HttpRequest request;

    request.path = "/v1/version";
    CHECK(router.handle(request).status == 200);
    request.path = "/v1/things";
    CHECK(router.handle(request).status == 503);  // not let in because it cannot be told
}

TEST_CASE("what is refused before a handler runs has the form of the API that it was for") {
    const TwoApis apis;
    HttpRequest request;
    request.path = "/api/pg/v1/state";
    CHECK(parse_json(apis.router.refuse(request, {413, "body_too_large", "too large"}).body).at("code") == 4);
    request.path = "/v1/things/1";
    CHECK(apis.router.refuse(request, {413, "payload_too_large", "too large"}).headers.contains("goa-error"));
    request.path.clear();  // it could not be read
    CHECK(apis.router.refuse(request, {400, "invalid_input", "no HTTP"}).headers.contains("goa-error"));
}

TEST_CASE("two APIs may have routes under each other's prefixes: the route that fits better answers") {
    TwoApis apis;
    apis.numbered.add(Role::anyone, "GET", "/v1/things/newest", answers_with("numbered"));

    CHECK(apis.send("GET", "/v1/things/newest").body == "numbered");
    CHECK(apis.send("GET", "/v1/things/oldest").status == 404);
}

TEST_CASE("an API that does not say what its callers may do lets them do what anyone may") {
    Router router;
    Api& api = router.add(Api({.name = "silent", .prefixes = {"/v1"}}));
    api.add(Role::anyone, "GET", "/v1/version", answers_with("{}"));
    api.add(Role::read, "GET", "/v1/things", answers_with("{}"));
    HttpRequest request;

    request.path = "/v1/version";
    CHECK(router.handle(request).status == 200);
    request.path = "/v1/things";
    CHECK(router.handle(request).status == 403);
}

TEST_CASE("where even paths are not for everybody, callers without the role are refused before 404 and 405") {
    Router router;
    Api& api = router.add(
        Api({.name = "closed",
             .prefixes = {"/internal"},
             .role_of = [](const HttpRequest& request) { return request.caller.agent ? Role::agent : Role::anyone; },
             .least_role = Role::agent}));
    api.add(Role::anyone, "POST", "/internal/join", answers_with("{}"));
    api.add(Role::agent, "POST", "/internal/store", answers_with("{}"));
    const auto status = [&](const char* method, const char* path, bool agent) {
        HttpRequest request;
        request.method = method;
        request.path = path;
        request.caller.agent = agent;
        return router.handle(request).status;
    };

    for (const char* path : {"/internal/none", "/none", "/", ""}) {
        CAPTURE(path);
        CHECK(status("GET", path, false) == 403);
        CHECK(status("GET", path, true) == 404);
    }
    CHECK(status("GET", "/internal/store", false) == 403);
    CHECK(status("GET", "/internal/store", true) == 405);
    CHECK(status("GET", "/internal/join", false) == 405);  // everybody may know of it
    CHECK(status("POST", "/internal/join", false) == 200);
}

TEST_CASE("a path that two APIs have allows the methods of both") {
    TwoApis apis;
    apis.numbered.add(Role::anyone, "PUT", "/v1/things/{name}", answers_with("numbered"));

    CHECK(apis.send("PUT", "/v1/things/1").body == "numbered");
    CHECK(apis.send("DELETE", "/v1/things/1").headers.at("Allow") == "GET, HEAD, POST, PUT");
    apis.router.check();
}

TEST_CASE("two APIs of one listener cannot have the same route, whatever its variables are called") {
    TwoApis apis;
    apis.numbered.add(Role::anyone, "GET", "/v1/things/{name}", answers_with("numbered"));
    CHECK_THROWS_WITH_AS(apis.router.check(),
                         R"(the APIs "named" and "numbered" both have the route GET /v1/things/{name})", Error);

    Router apart;
    apart.add(Api({.name = "one"})).add(Role::anyone, "GET", "/x", answers_with("one"));
    apart.add(Api({.name = "other", .listeners = {"elsewhere"}})).add(Role::anyone, "GET", "/x", answers_with("other"));
    apart.check();
}
