#include "common/net/tls.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/net/openssl.hpp"

using namespace pgedge;

namespace {

const KeyPair& authority() {
    static const KeyPair pair = make_authority("cluster");
    return pair;
}
KeyPair agent(const std::string& host) {
    return issue_certificate(authority(), {host, {agent_dns_name(host)}, {"127.0.0.1"}, true, true});
}

/// Both ends of a handshake, in memory.
struct Handshake {
    Handshake(const SslContext& server_context, const SslContext& client_context, const std::string& name)
        : server(SSL_new(server_context.get())), client(SSL_new(client_context.get())) {
        BIO *one = nullptr, *two = nullptr;
        BIO_new_bio_pair(&one, 0, &two, 0);
        SSL_set_bio(server.get(), one, one);
        SSL_set_bio(client.get(), two, two);
        SSL_set_accept_state(server.get());
        SSL_set_connect_state(client.get());
        SSL_set1_host(client.get(), name.c_str());
        for (int round = 0; round < 10; ++round) {
            client_done = SSL_do_handshake(client.get()) == 1;
            server_done = SSL_do_handshake(server.get()) == 1;
        }
    }
    bool done() const { return client_done && server_done; }
    SslPtr server, client;
    bool client_done = false, server_done = false;
};

}  // namespace

TEST_CASE("agents know each other by host id over TLS 1.3") {
    const auto server = make_server_context(agent("host-1"), authority().certificate, ClientCertificates::required);
    const auto client = make_client_context(agent("host-2"), authority().certificate);

    const Handshake hands(server, client, agent_dns_name("host-1"));

    REQUIRE(hands.done());
    CHECK(std::string(SSL_get_version(hands.client.get())) == "TLSv1.3");
    CHECK(verified_agent(hands.server.get()) == "host-2");
    CHECK(verified_agent(hands.client.get()) == "host-1");
}

TEST_CASE("a client refuses another host's certificate, and one of another authority") {
    const auto client = make_client_context(agent("host-2"), authority().certificate);
    const KeyPair stranger = make_authority("cluster");
    const auto other_host = make_server_context(agent("host-3"), authority().certificate, ClientCertificates::required);
    const auto other_cluster =
        make_server_context(issue_certificate(stranger, {"host-1", {agent_dns_name("host-1")}, {}, true, true}),
                            stranger.certificate, ClientCertificates::none);

    CHECK_FALSE(Handshake(other_host, client, agent_dns_name("host-1")).client_done);
    CHECK_FALSE(Handshake(other_cluster, client, agent_dns_name("host-1")).client_done);
}

TEST_CASE("a server that requires certificates refuses clients without one or with a stranger's") {
    const auto server = make_server_context(agent("host-1"), authority().certificate, ClientCertificates::required);
    const KeyPair stranger = make_authority("cluster");
    const auto nameless = make_client_context(std::nullopt, authority().certificate);
    const auto foreign = make_client_context(
        issue_certificate(stranger, {"host-2", {agent_dns_name("host-2")}, {}, true, true}), authority().certificate);

    CHECK_FALSE(Handshake(server, nameless, agent_dns_name("host-1")).server_done);
    CHECK_FALSE(Handshake(server, foreign, agent_dns_name("host-1")).server_done);
}

TEST_CASE("a server that only asks lets a client in without a name, and refuses a stranger's certificate") {
    const auto server = make_server_context(agent("host-1"), authority().certificate, ClientCertificates::optional);
    const KeyPair stranger = make_authority("cluster");
    const auto foreign = make_client_context(
        issue_certificate(stranger, {"host-2", {agent_dns_name("host-2")}, {}, true, true}), authority().certificate);

    const Handshake nameless(server, make_client_context(std::nullopt, authority().certificate),
                             agent_dns_name("host-1"));

    REQUIRE(nameless.done());
    CHECK(verified_agent(nameless.server.get()) == std::nullopt);
    CHECK(verified_name(nameless.server.get()).empty());
    CHECK_FALSE(Handshake(server, foreign, agent_dns_name("host-1")).server_done);
}

TEST_CASE("a certificate of a PostgreSQL instance or user does not make an agent") {
    const KeyPair instance =
        issue_certificate(authority(), {"host-2", {"host-2", "localhost"}, {"127.0.0.1"}, true, true});
    const auto server = make_server_context(agent("host-1"), authority().certificate, ClientCertificates::required);

    const Handshake hands(server, make_client_context(instance, authority().certificate), agent_dns_name("host-1"));
    REQUIRE(hands.done());
    CHECK(verified_agent(hands.server.get()) == std::nullopt);
    CHECK(verified_name(hands.server.get()) == "host-2");

    const auto posing = make_server_context(instance, authority().certificate, ClientCertificates::none);
    CHECK_FALSE(Handshake(posing, make_client_context(std::nullopt, authority().certificate), agent_dns_name("host-2"))
                    .client_done);
}

TEST_CASE("broken or mismatched material is refused when the context is made") {
    CHECK_THROWS_AS(make_server_context({"nonsense", Secret("nonsense")}, "", ClientCertificates::none), Error);
    CHECK_THROWS_AS(make_server_context({agent("a").certificate, agent("b").key}, "", ClientCertificates::none), Error);
    CHECK_THROWS_AS(make_client_context(std::nullopt, ""), Error);
}

TEST_CASE("a reloaded context is for those who come later") {
    ReloadableContext current(make_client_context(std::nullopt, authority().certificate));
    const SslContext old = current.get();
    current.set(make_client_context(std::nullopt, authority().certificate));
    CHECK(current.get() != old);
}

TEST_CASE("a server that tells learns what is wrong with a certificate, and takes none of them for a name") {
    const auto server = make_server_context(agent("host-1"), authority().certificate, ClientCertificates::told);
    const auto said_of = [&](const std::optional<KeyPair>& own) {
        const Handshake hands(server, make_client_context(own, authority().certificate), agent_dns_name("host-1"));
        REQUIRE(hands.done());
        const auto problem = certificate_problem(hands.server.get());
        CHECK(verified_name(hands.server.get()).empty() == problem.has_value());
        return problem.value_or("");
    };
    const KeyPair stranger = make_authority("cluster");
    const auto says = [&](const KeyPair& issuer, CertificateRequest request) {
        return said_of(issue_certificate(issuer, request));
    };

    CHECK(said_of(std::nullopt) == "no client certificate was shown");
    CHECK(says(authority(), {.common_name = "ops", .client = true}).empty());
    CHECK(says(stranger, {.common_name = "ops", .client = true}).find("is not signed by") != std::string::npos);
    CHECK(said_of(stranger).find("is not signed by") != std::string::npos);
    CHECK(says(authority(), {.common_name = "ops", .server = true}).find("is not for clients") != std::string::npos);
}
