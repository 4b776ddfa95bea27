// Who calls, as the listeners tell it, and what a server with several APIs says to what it does not even read.
#include <filesystem>

#include <doctest/doctest.h>
#include <unistd.h>

#include "agent/serve/peer_user.hpp"
#include "agent/serve/router.hpp"
#include "common/base/json.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/raw_client.hpp"
#include "tests/integration/agent/serve/test_server.hpp"

using namespace pgedge;
using namespace pgedge::testing;

namespace {

/// Answers with the caller, and keeps it.
struct Who {
    HttpResponse operator()(const HttpRequest& request) const {
        HttpResponse response;
        response.body = request.caller.text() + " at " + request.listener;
        *last = request.caller;
        return response;
    }
    std::shared_ptr<Principal> last = std::make_shared<Principal>();
};

bool logged(const TestServer& server, const std::string& what) {
    return eventually([&] {
        const auto lines = server.log->lines();
        return std::any_of(lines.begin(), lines.end(),
                           [&](const auto& line) { return line.second.find(what) != std::string::npos; });
    });
}

class Numbered final : public ErrorForm {
public:
    HttpResponse failure(const Failure& failure) const override {
        HttpResponse response;
        response.status = failure.status;
        response.body = "number " + std::to_string(failure.status) + ": " + failure.name;
        return response;
    }
};

}  // namespace

TEST_CASE("a caller over a unix socket is known by its user, to the handler and in the log") {
    const auto path = std::filesystem::temp_directory_path() / ("pgedge-" + random_hex(8) + ".sock");
    const Who who;
    TestServer server(who, {}, {.address = "", .port = 0, .socket = path, .name = "door"});
    HttpTransport client({Url{Url::Scheme::unix_socket, "", 0, path.string()}});

    const std::string name = user_name(::geteuid());
    for (int i = 0; i < 2; ++i)
        CHECK(client.send(get("/x"), Limit(20s)).body ==
              "user " + name + " (" + std::to_string(::geteuid()) + ") at door");

    CHECK(who.last->uid == ::geteuid());
    CHECK(who.last->over_unix_socket());
    CHECK_FALSE(who.last->on_loopback());
    CHECK(logged(server, "caller=\"user " + name));
}

TEST_CASE("a caller over TCP is known by its address alone") {
    const Who who;
    TestServer server(who);

    CHECK(HttpTransport({server.url()}).send(get("/x"), Limit(20s)).body.starts_with("127."));
    CHECK_FALSE(who.last->uid);
    CHECK(who.last->on_loopback());
    CHECK(logged(server, "caller=127."));
}

TEST_CASE("a caller with a certificate is known by it, its subject included") {
    const KeyPair authority = make_authority("cluster");
    const auto context = std::make_shared<ReloadableContext>(
        make_server_context(issue_certificate(authority, {"host-1", {}, {kAddress}, true, true}), authority.certificate,
                            ClientCertificates::optional));
    const Who who;
    TestServer server(who, {}, {.address = kAddress, .tls = context});
    HttpClientOptions options{Url{Url::Scheme::https, kAddress, server.port, ""}};
    options.authorities = authority.certificate;
    options.own = issue_certificate(authority, {"ops", {}, {}, true, true});

    CHECK(HttpTransport(options).send(get("/x"), Limit(20s)).body == "certificate ops at api");

    CHECK(who.last->subject == "CN=ops");
    CHECK_FALSE(who.last->agent);
    CHECK(logged(server, "caller=\"certificate ops\""));
}

TEST_CASE("what a server does not read is refused in the form of the API that it was for") {
    Router router;
    router.add(Api({.name = "named", .prefixes = {"/v1"}}));
    router.add(Api({.name = "numbered", .prefixes = {"/n"}, .errors = std::make_shared<Numbered>()}));
    ServerOptions options;
    options.limits.max_body = 10;
    options.refuse = [&](const HttpRequest& request, const Failure& why) { return router.refuse(request, why); };
    TestServer server([&](const HttpRequest& request) { return router.handle(request); }, options);
    HttpTransport client({server.url()});

    const HttpResponse named = client.send(post("/v1/x", std::string(100, 'x')), Limit(20s));
    CHECK(named.status == 413);
    CHECK(named.headers.at("goa-error") == "payload_too_large");
    const HttpResponse numbered = client.send(post("/n/x?a=b", std::string(100, 'x')), Limit(20s));
    CHECK(numbered.status == 413);
    CHECK(numbered.body == "number 413: payload_too_large");
    CHECK(client.send(get("/n/x"), Limit(20s)).body == "number 404: not_found");
}
