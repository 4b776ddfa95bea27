#include "agent/cluster/join_desk.hpp"

#include <doctest/doctest.h>

#include "agent/cluster/join_token.hpp"
#include "agent/store/local_store.hpp"
#include "agent/store/tables/hosts.hpp"
#include "common/base/error.hpp"
#include "tests/fakes/fake_clock.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

struct NoIssuer final : CertificateIssuer {
    std::string authority_certificate() const override { return "authority"; }
    KeyPair issue(const CertificateRequest&) const override { return {"certificate", Secret("key")}; }
};

Host host(const std::string& id, std::int64_t level) {
    Host made;
    made.id = id;
    made.peer_addresses = {"127.12.0.1"};
    made.peer_port = 2381;
    made.store_port = 2380;
    made.level = level;
    return made;
}

/// The desk of host-1, in a cluster whose data are at the newest level.
struct Desk {
    LocalStore store;
    FakeClock clock;
    Secrets secrets{store, Secret(std::string(32, 'k'))};
    JoinTokens tokens{store, secrets, clock, std::string(64, 'f')};
    NoIssuer issuer;
    JoinDesk desk{{"cluster", host("host-1", newest_schema_version()), store, tokens, issuer, clock, Secret("key"),
                   [](const std::string&, const Limit&) { return false; }}};

    void join(const std::string& id, std::int64_t level, std::uint64_t node_id, bool replace = false) {
        const auto token = parse_join_token(tokens.current(Limit(10s)));
        desk.accept({token.secret, node_id, host(id, level), replace}, Limit(10s));
    }
};

}  // namespace

TEST_CASE("a host whose program is older than the data is not let in, neither anew nor again nor in place of another") {
    Desk rig;
    const auto newest = newest_schema_version();
    const auto* why = "host host-2 runs a program of level 1, and the cluster's data are at level";
    CHECK_THROWS_WITH_AS(rig.join("host-2", 1, 7), doctest::Contains(why), Error);
    CHECK_FALSE(Hosts(rig.store).find("host-2", Limit(10s)));
    rig.join("host-2", newest, 7);
    CHECK(Hosts(rig.store).find("host-2", Limit(10s))->level == newest);
    CHECK_THROWS_WITH_AS(rig.join("host-2", 1, 7), doctest::Contains(why), Error);
    CHECK_THROWS_WITH_AS(rig.join("host-2", 1, 8, true), doctest::Contains(why), Error);
    CHECK(Hosts(rig.store).find("host-2", Limit(10s))->level == newest);
    rig.join("host-2", newest, 8, true);
}

TEST_CASE("the level is compared in the transaction that takes the host in") {
    // A cluster of the first level; it rises after the desk was asked and before it writes.
    struct Rising final : Store {
        LocalStore store{":memory:", 1};
        CommitResult commit(const Transaction& transaction, const Limit& limit) override {
            for (const auto& statement : transaction.statements)
                if (statement.sql.starts_with("INSERT INTO host")) store.raise_to(newest_schema_version());
            return store.commit(transaction, limit);
        }
        Rows read(const Statement& query, Freshness freshness, const Limit& limit) override {
            return store.read(query, freshness, limit);
        }
        Changes wait_for_changes(std::int64_t since, const Limit& limit) override {
            return store.wait_for_changes(since, limit);
        }
    } store;
    FakeClock clock;
    Secrets secrets(store, Secret(std::string(32, 'k')));
    JoinTokens tokens(store, secrets, clock, std::string(64, 'f'));
    NoIssuer issuer;
    const JoinDesk desk({"cluster", host("host-1", 1), store, tokens, issuer, clock, Secret("key"),
                         [](const std::string&, const Limit&) { return false; }});
    const auto token = parse_join_token(tokens.current(Limit(10s)));
    CHECK_THROWS_AS(desk.accept({token.secret, 7, host("host-2", 1), false}, Limit(10s)), Error);
    CHECK_FALSE(Hosts(store).find("host-2", Limit(10s)));
}
