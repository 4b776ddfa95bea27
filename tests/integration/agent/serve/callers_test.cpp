// Who calls, as the listeners tell it, and what a server with several APIs says to what it does not even read.
#include <filesystem>

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "agent/serve/router.hpp"
#include "common/base/json.hpp"
#include "common/base/uuid.hpp"
#include "common/net/openssl.hpp"
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

/// The same key with a certificate whose subject is an organization, and no common name.
KeyPair without_common_name(const KeyPair& authority, const KeyPair& pair) {
    const X509Ptr leaf = read_certificate(pair.certificate);
    X509_NAME* const name = X509_get_subject_name(leaf.get());
    while (X509_NAME_entry_count(name) > 0) X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, 0));
    const std::string organization = "Example";
    REQUIRE(X509_NAME_add_entry_by_NID(name, NID_organizationName, MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(organization.data()),
                                       static_cast<int>(organization.size()), -1, 0) == 1);
    REQUIRE(X509_sign(leaf.get(), read_private_key(authority.key.reveal()).get(), EVP_sha256()) > 0);
    const BioPtr text(BIO_new(BIO_s_mem()));
    REQUIRE(PEM_write_bio_X509(text.get(), leaf.get()) == 1);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(text.get(), &bytes);
    return {std::string(bytes, static_cast<std::size_t>(size)), pair.key};
}

/// A server with TLS and an authority of its own.
struct Trusting {
    KeyPair authority = make_authority("cluster");
    std::shared_ptr<ReloadableContext> context = std::make_shared<ReloadableContext>(
        make_server_context(issue_certificate(authority, {"host-1", {}, {kAddress}, true, true}), authority.certificate,
                            ClientCertificates::optional));
    Who who;
    TestServer server;

    explicit Trusting(bool agents = false, ServerOptions options = {})
        : server(who, options, {.address = kAddress, .tls = context, .agents = agents}) {}
    KeyPair issue(const std::string& name) const { return issue_certificate(authority, {name, {}, {}, true, true}); }
    HttpResponse send(const KeyPair& own, const HttpRequest& request = get("/x")) const {
        HttpClientOptions options{Url{Url::Scheme::https, kAddress, server.port, ""}};
        options.authorities = authority.certificate;
        options.own = own;
        return HttpTransport(options).send(request, Limit(20s));
    }
};

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

    const std::string user = "user " + std::to_string(::geteuid());
    for (int i = 0; i < 2; ++i) CHECK(client.send(get("/x"), Limit(20s)).body == user + " at door");

    CHECK(who.last->uid == ::geteuid());
    CHECK(who.last->over_unix_socket());
    CHECK(logged(server, "caller=\"" + user + "\""));
}

TEST_CASE("a caller over TCP is known by its address alone") {
    constexpr uid_t kNobodyHere = 54321;
    for (const std::optional<uid_t> refused : {std::optional<uid_t>(), std::optional(kNobodyHere)}) {
        const Who who;
        TestServer server(who, {}, {.address = kAddress, .refused_user = refused});

        CHECK(HttpTransport({server.url()}).send(get("/x"), Limit(20s)).body.starts_with("127."));
        CHECK_FALSE(who.last->uid);  // it may be a proxy's, whoever is behind it
        CHECK(logged(server, "caller=127."));
    }
}

TEST_CASE("a caller with a certificate is known by its common name") {
    Trusting trusting;

    CHECK(trusting.send(trusting.issue("ops")).body == "certificate ops at api");

    CHECK(trusting.who.last->certificate == "ops");
    CHECK_FALSE(trusting.who.last->agent);
    CHECK(logged(trusting.server, "caller=\"certificate ops\""));
}

TEST_CASE("a certificate without a common name is told by its subject, and gives no name") {
    Trusting trusting;

    CHECK(trusting.send(without_common_name(trusting.authority, trusting.issue("ops"))).body ==
          "certificate with O=Example at api");

    CHECK(trusting.who.last->certificate.empty());
    CHECK(logged(trusting.server, "caller=\"certificate with O=Example\""));
}

TEST_CASE("where agents call, another certificate of the cluster is told, and gives no name") {
    Trusting trusting(/*agents=*/true);

    CHECK(trusting.send(trusting.issue("pgedge:shop")).body == "certificate with CN=pgedge:shop at api");

    CHECK(trusting.who.last->certificate.empty());
    CHECK_FALSE(trusting.who.last->agent);
}

TEST_CASE("the log says who called also of a request that was refused before it was read") {
    ServerOptions options;
    options.limits.max_body = 10;
    Trusting trusting(false, options);

    CHECK(trusting.send(trusting.issue("ops"), post("/x", std::string(100, 'x'))).status == 413);

    CHECK(logged(trusting.server, "caller=\"certificate ops\""));
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
