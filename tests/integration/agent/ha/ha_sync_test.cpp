// Commits that wait for the standby: whoever takes over has all that was acknowledged, and nobody else takes over.
#include <csignal>

#include "tests/integration/agent/ha/two_hosts.hpp"

using namespace pgedge;
using namespace pgedge::test;

namespace {

struct SyncHosts : TwoHosts {
    void follow(const std::string& mode, bool strict) {
        Resource policy{{"database.high_availability", "n1"},
                        "host-1",
                        {},
                        {{"mode", mode},
                         {"sync_replicas", 1},
                         {"max_lag_bytes", 1 << 20},
                         {"lease_ttl_ms", 4000},
                         {"strict", strict}},
                        {}};
        policy.node = "n1";
        Transaction transaction;
        transaction.add(Databases::upsert_resource("shop", {policy, false, ""}));
        REQUIRE(store.commit(transaction, Limit(kLong)).committed);
    }
    bool promises(const std::set<std::string>& members) {
        return comes_true([&] {
            const auto now = node();
            return now.sync && now.sync->set.members == members;
        });
    }
    std::string names(const std::string& id) { return asked(id, "SHOW synchronous_standby_names"); }
    /// The agent and all that it started: guard and server.
    void kill_host(std::unique_ptr<HaAgent>& agent, const std::string& id) {
        const auto server = server_of(machine.host.runtime(), id);
        const auto postmaster = machine.host.postmaster_pid(server), guard = machine.host.guard_pid(server);
        agent->die();
        ::kill(guard, SIGKILL);
        ::kill(postmaster, SIGKILL);
        CHECK(comes_true([&] { return !alive(postmaster); }));
    }
};

/// Writes rows to whichever server takes them, and remembers those that were acknowledged.
class Writer {
public:
    explicit Writer(SyncHosts& hosts) : hosts_(hosts), thread_([this](const std::stop_token& stop) { run(stop); }) {}
    int acknowledged() const { return acknowledged_; }
    /// The number of acknowledged rows that are missing on the instance.
    int missing_on(const std::string& id) {
        thread_.request_stop();
        thread_.join();
        int missing = 0;
        for (const int row : rows_)
            missing += hosts_.asked(id, "SELECT count(*) FROM t WHERE n = " + std::to_string(row)) == "1" ? 0 : 1;
        return missing;
    }
    bool goes_on() {
        const int now = acknowledged_;
        return comes_true([&] { return acknowledged_ > now + 5; });
    }

private:
    void run(const std::stop_token& stop) {
        for (int row = 100; !stop.stop_requested(); ++row)
            for (const auto* id : {kPrimary, kReplica}) try {
                    const Limit limit(2s, stop);
                    auto session = connect_locally(hosts_.machine.host.runtime(), id, "postgres", limit);
                    session.run("INSERT INTO public.t VALUES (" + std::to_string(row) + ")", limit);
                    rows_.push_back(row);
                    ++acknowledged_;
                    break;
                } catch (const Error&) {  // a standby, down, or nobody acknowledges: not counted
                    Limit(5ms, stop).pause(5ms);
                }
    }

    SyncHosts& hosts_;
    std::vector<int> rows_;
    std::atomic<int> acknowledged_{0};
    std::jthread thread_;
};

}  // namespace

TEST_CASE("the standby that commits wait for takes over from a host that dies, with all that was acknowledged") {
    for (const auto* mode : {"sync", "quorum"}) {
        CAPTURE(mode);
        SyncHosts hosts;
        hosts.follow(mode, false);
        REQUIRE(hosts.promises({kReplica}));
        CHECK(hosts.names(kPrimary) == R"(ANY 1 ("shop_n1_9ptayhma"))");
        REQUIRE(hosts.has_told(kReplica));
        Writer writer(hosts);
        REQUIRE(writer.goes_on());

        hosts.kill_host(hosts.first, kPrimary);

        REQUIRE(hosts.serves(kReplica));
        CHECK(writer.goes_on());  // alone, as the policy is not strict
        CHECK(hosts.node().sync->primary == kReplica);
        hosts.start(hosts.first, "host-1");
        CHECK(hosts.follows(kPrimary));
        CHECK(hosts.promises({kPrimary}));
        CHECK(writer.goes_on());
        CHECK(writer.missing_on(kReplica) == 0);
    }
}

TEST_CASE("a primary whose standby is gone goes on alone, and that standby cannot take over") {
    SyncHosts hosts;
    hosts.follow("sync", false);
    REQUIRE(hosts.promises({kReplica}));
    REQUIRE(hosts.has_told(kReplica));
    Writer writer(hosts);

    hosts.second->die();
    hosts.machine.host.runtime().stop(kReplica, StopMode::immediate, Limit(60s));
    CHECK(hosts.promises({}));
    CHECK(comes_true([&] { return hosts.names(kPrimary).empty(); }));
    CHECK(writer.goes_on());

    hosts.kill_host(hosts.first, kPrimary);
    hosts.start(hosts.second, "host-2");
    REQUIRE(comes_true([&] {
        const auto now = hosts.node();
        const auto* standby = now.find(kReplica);
        return standby->told && standby->told_term == now.last_term;  // it would contend if it might
    }));
    CHECK(hosts.asked(kReplica, "SELECT pg_is_in_recovery()") == "t");

    hosts.start(hosts.first, "host-1");
    CHECK(hosts.serves(kPrimary));
    CHECK(hosts.promises({kReplica}));
    CHECK(writer.goes_on());
    CHECK(writer.missing_on(kPrimary) == 0);
    CHECK(hosts.history().front().instance_id == kPrimary);
}

TEST_CASE("a strict primary waits for its standby") {
    SyncHosts hosts;
    hosts.follow("sync", true);
    REQUIRE(hosts.promises({kReplica}));
    Writer writer(hosts);
    REQUIRE(writer.goes_on());

    hosts.second->die();
    hosts.machine.host.runtime().stop(kReplica, StopMode::immediate, Limit(60s));
    const auto waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    CHECK(comes_true([&] { return hosts.asked(kPrimary, waits) == "t"; }));
    const int before = writer.acknowledged();
    CHECK_FALSE(hosts.names(kPrimary).empty());
    CHECK(hosts.node().sync->set.members == std::set<std::string>{kReplica});

    hosts.start(hosts.second, "host-2");
    CHECK(writer.goes_on());
    CHECK(writer.acknowledged() > before);
    hosts.follow("async", false);
    CHECK(comes_true([&] { return !hosts.node().sync && hosts.names(kPrimary).empty(); }));
}
