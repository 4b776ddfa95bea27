#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "tests/fakes/raw_client.hpp"
#include "tests/integration/agent/serve/test_server.hpp"

using namespace pgedge;
using namespace pgedge::testing;

namespace {

const KeyPair& authority() {
    static const KeyPair pair = make_authority("cluster");
    return pair;
}
KeyPair agent(const std::string& host) {
    return issue_certificate(authority(), {host, {agent_dns_name(host)}, {kAddress}, true, true});
}

HttpResponse name_of_client(const HttpRequest& request) {
    HttpResponse response;
    response.body = "client '" + request.caller.certificate + "'";
    return response;
}

struct TlsServer {
    explicit TlsServer(ClientCertificates clients, bool agents = true, Server::Handler handler = name_of_client)
        : context(std::make_shared<ReloadableContext>(
              make_server_context(agent("host-1"), authority().certificate, clients))),
          server(std::move(handler), {}, {kAddress, 0, {}, context, agents}) {}

    HttpClientOptions client(std::optional<KeyPair> own) const {
        HttpClientOptions options{Url{Url::Scheme::https, kAddress, server.port, ""}};
        options.authorities = authority().certificate;
        options.own = std::move(own);
        return options;
    }
    std::shared_ptr<ReloadableContext> context;
    TestServer server;
};

bool unreachable(const HttpClientOptions& options) {
    try {
        HttpTransport(options).send(get("/x"), Limit(20s));
    } catch (const Error& error) {
        return error.kind() == ErrorKind::unreachable;
    }
    return false;
}

}  // namespace

TEST_CASE("a client with a certificate is known by name") {
    const TlsServer server(ClientCertificates::required);
    HttpTransport client(server.client(agent("host-2")));
    for (int i = 0; i < 3; ++i) CHECK(client.send(get("/x"), Limit(20s)).body == "client 'host-2'");
}

TEST_CASE("a server that requires certificates answers nobody without") {
    const TlsServer server(ClientCertificates::required);
    CHECK(unreachable(server.client(std::nullopt)));
    const KeyPair stranger = make_authority("cluster");
    CHECK(unreachable(
        server.client(issue_certificate(stranger, {"host-2", {agent_dns_name("host-2")}, {}, true, true}))));
}

TEST_CASE("where certificates are optional, clients without one and instances are nobody") {
    const TlsServer server(ClientCertificates::optional);
    CHECK(HttpTransport(server.client(std::nullopt)).send(get("/x"), Limit(20s)).body == "client ''");
    const KeyPair instance = issue_certificate(authority(), {"host-2", {}, {}, true, true});
    CHECK(HttpTransport(server.client(instance)).send(get("/x"), Limit(20s)).body == "client ''");

    const TlsServer any(ClientCertificates::optional, false);
    CHECK(HttpTransport(any.client(instance)).send(get("/x"), Limit(20s)).body == "client 'host-2'");
}

namespace {

/// A server that tells clients what is wrong with their certificate, by HTTP; "/open" needs none.
struct TellingServer {
    std::shared_ptr<ReloadableContext> context = std::make_shared<ReloadableContext>(
        make_server_context(agent("host-1"), authority().certificate, ClientCertificates::told));
    TestServer server{name_of_client, {}, {.address = kAddress, .tls = context, .open_target = "/open"}};

    HttpResponse answer(const std::optional<KeyPair>& own, const HttpRequest& request) const {
        HttpClientOptions options{Url{Url::Scheme::https, kAddress, server.port, ""}};
        options.authorities = authority().certificate;
        options.own = own;
        return HttpTransport(options).send(request, Limit(20s));
    }
};

}  // namespace

TEST_CASE("a client without a good certificate is told so in HTTP, before its body is taken") {
    const TellingServer telling;
    const KeyPair stranger = make_authority("cluster");
    const auto refused = [&](const std::optional<KeyPair>& own, const char* why) {
        for (const auto& request :
             {get("/x"), post("/x", std::string(900'000, 'x')), get("/open/"), get("/open?a=b")}) {
            const auto response = telling.answer(own, request);
            CHECK(response.status == 403);
            CHECK(response.body.find(why) != std::string::npos);
            CHECK(response.body.find("http.ca_cert") != std::string::npos);
        }
        CHECK(telling.answer(own, get("/open")).body == "client ''");
    };

    refused(std::nullopt, "no client certificate was shown");
    refused(issue_certificate(stranger, {.common_name = "ops", .client = true}), "is not signed by");
    CHECK(telling.answer(agent("host-2"), get("/x")).body == "client 'host-2'");
}

TEST_CASE("what was let in without a certificate may not go on to anything else") {
    const TellingServer telling;
    HttpClientOptions options{Url{Url::Scheme::https, kAddress, telling.server.port, ""}};
    options.authorities = authority().certificate;
    HttpTransport one(options);  // keeps its connection
    CHECK(one.send(get("/open"), Limit(20s)).status == 200);
    CHECK(one.send(get("/x"), Limit(20s)).status == 403);
}

TEST_CASE("HTTP on a port of TLS and TLS on a port of HTTP are told at once") {
    const TellingServer telling;
    for (const char* method : {"GET", "POST", "DELETE", "OPTIONS"}) {
        RawClient plain(kAddress, telling.server.port);
        plain.send(std::string(method) + " /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
        const std::string answer = plain.receive_all();
        CHECK(answer.starts_with("HTTP/1.1 400 "));
        CHECK(answer.find("https://") != std::string::npos);
    }

    const TestServer unencrypted;
    for (int i = 0; i < 5; ++i) {  // the first bytes hold random ones
        HttpClientOptions options{Url{Url::Scheme::https, kAddress, unencrypted.port, ""}};
        const auto began = std::chrono::steady_clock::now();
        CHECK(unreachable(options));
        CHECK(std::chrono::steady_clock::now() - began < 5s);
    }
}

TEST_CASE("the client checks the authority, the address, and the name it was told") {
    const TlsServer server(ClientCertificates::none);
    HttpClientOptions stranger = server.client(std::nullopt);
    stranger.authorities = make_authority("cluster").certificate;
    CHECK(unreachable(stranger));
    HttpClientOptions system = server.client(std::nullopt);
    system.authorities.clear();
    CHECK(unreachable(system));

    HttpClientOptions named = server.client(std::nullopt);
    named.server_name = agent_dns_name("host-1");
    CHECK(HttpTransport(named).send(get("/x"), Limit(20s)).status == 200);
    named.server_name = agent_dns_name("host-2");
    CHECK(unreachable(named));
}

TEST_CASE("large bodies pass in both directions over TLS") {
    const TlsServer server(ClientCertificates::none, false, [](const HttpRequest& request) {
        HttpResponse response;
        response.body = request.body + request.body;
        return response;
    });
    std::string body;
    for (int i = 0; body.size() < 1'000'000; ++i) body += std::to_string(i);
    HttpTransport client(server.client(std::nullopt));
    CHECK(client.send(post("/x", body), Limit(30s)).body == body + body);
}

TEST_CASE("a stream passes over TLS as it comes") {
    Door door;
    const TlsServer server(ClientCertificates::none, false, [&](const HttpRequest&) {
        HttpResponse response;
        response.stream = [&](const BodyWriter& write) {
            write("one");
            door.wait();
            write("two");
        };
        return response;
    });
    HttpTransport client(server.client(std::nullopt));
    std::string got;
    client.stream(get("/x"), Limit(20s), [&](std::string_view part) {
        got += part;
        if (got == "one") door.open();
        return true;
    });
    CHECK(got == "onetwo");
}

TEST_CASE("clients that do not finish the handshake hold up nobody and are closed") {
    ServerOptions options;
    options.limits.head = 10s;
    options.max_threads = 2;
    const auto context =
        std::make_shared<ReloadableContext>(make_server_context(agent("host-1"), "", ClientCertificates::none));
    TestServer server(name_of_client, options, {kAddress, 0, {}, context, false});
    std::vector<std::unique_ptr<RawClient>> stuck;
    for (int i = 0; i < 20; ++i) {
        stuck.push_back(std::make_unique<RawClient>(kAddress, server.port));
        stuck.back()->send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8));
    }
    HttpClientOptions client{Url{Url::Scheme::https, kAddress, server.port, ""}};
    client.authorities = authority().certificate;

    CHECK(HttpTransport(client).send(get("/x"), Limit(20s)).status == 200);
    for (auto& one : stuck) one->receive_all();
    CHECK(std::all_of(stuck.begin(), stuck.end(), [](const auto& one) { return one->closed(); }));

    RawClient plain(kAddress, server.port);
    plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    plain.receive_all();
    CHECK(plain.closed());
}

TEST_CASE("a new certificate is used without a restart") {
    const TlsServer server(ClientCertificates::none);
    HttpClientOptions options = server.client(std::nullopt);
    options.server_name = agent_dns_name("host-1b");
    CHECK(unreachable(options));

    server.context->set(make_server_context(agent("host-1b"), authority().certificate, ClientCertificates::none));

    CHECK(HttpTransport(options).send(get("/x"), Limit(20s)).status == 200);
}
