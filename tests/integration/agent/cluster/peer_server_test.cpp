#include <doctest/doctest.h>

#include "common/net/http_client.hpp"
#include "tests/integration/agent/cluster/test_agent.hpp"

using namespace pgedge;
using namespace pgedge::testing;

namespace {

struct One {
    TemporaryDirectory directory;
    TestAgent agent{1, directory.path() / "1"};

    One() { agent.cluster->init("test", Limit(60s)); }
    int status_for(const std::optional<KeyPair>& own, const std::string& path, const std::string& method = "") {
        HttpTransport client({.server = parse_url("https://127.13.0.1:2379"),
                              .authorities = agent.member->issuer.authority_certificate(),
                              .own = own,
                              .server_name = agent_dns_name("host-1")});
        HttpRequest request;
        request.method = !method.empty() ? method : path == "/internal/hello" ? "GET" : "POST";
        request.path = path;
        request.body = request.method == "GET" ? "" : "{}";
        return client.send(request, Limit(20s)).status;
    }
};

}  // namespace

TEST_CASE("the peer port answers agents of the cluster only") {
    One one;
    const auto& issuer = one.agent.member->issuer;
    Transaction row;
    row.add(Statement{
        .sql = "INSERT INTO host(id, node_id, facts, joined_at) SELECT 'host-2', '2', facts, joined_at FROM host",
        .args = {},
        .expect = {}});
    one.agent.member->store.commit(row, Limit(20s));

    CHECK(one.status_for(issuer.issue(agent_certificate(host_at(1))), "/internal/hello") == 200);
    CHECK(one.status_for(issuer.issue(agent_certificate(host_at(2))), "/internal/hello") == 200);
    for (const char* path : {"/internal/hello", "/internal/store/commit", "/internal/store/dump", "/anything"}) {
        CAPTURE(path);
        CHECK(one.status_for(std::nullopt, path) == 403);
        // A certificate of a PostgreSQL user or server, though it has an agent's common name.
        CHECK(one.status_for(issuer.issue({"host-1", {"host-1"}, {"127.13.0.1"}, true, true}), path) == 403);
        // An agent's certificate, of a host that was removed.
        CHECK(one.status_for(issuer.issue(agent_certificate(host_at(3))), path) == 403);
    }
    CHECK(one.status_for(std::nullopt, kInvitationPath) == 200);
    CHECK(one.status_for(std::nullopt, kJoinPath) == 400);
}

TEST_CASE("the peer port tells agents alone which paths and methods it has") {
    One one;
    const KeyPair member = one.agent.member->issuer.issue(agent_certificate(host_at(1)));

    for (const char* path : {"/internal/hello", "/internal/store/commit"}) {
        CAPTURE(path);
        CHECK(one.status_for(std::nullopt, path, "PUT") == 403);
        CHECK(one.status_for(member, path, "PUT") == 405);
    }
    CHECK(one.status_for(std::nullopt, "/anything", "GET") == 403);
    CHECK(one.status_for(member, "/anything", "GET") == 404);
    CHECK(one.status_for(std::nullopt, kJoinPath, "GET") == 405);
}
