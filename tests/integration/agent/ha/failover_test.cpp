// The agents of two hosts, each with a store that can be cut off, look after a primary and its standby that really run.
#include <doctest/doctest.h>

#include "agent/ha/high_availability.hpp"
#include "agent/store/local_store.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/hosts.hpp"
#include "agent/store/tables/nodes.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/mortal_store.hpp"
#include "tests/integration/agent/resources/machine.hpp"

using namespace pgedge;
using namespace pgedge::test;

namespace {

const std::chrono::minutes kLong(5);

/// One start of a host's agent.
struct HaAgent {
    MortalStore store;
    SystemClock clock;
    Leases leases;
    HighAvailability ha;

    HaAgent(Store& shared, Machine& machine, const std::string& host)
        : store(shared),
          leases(store, clock, host, "boot/" + random_hex(8)),
          ha({store, leases, machine.host.runtime(), machine.host.user(), machine.host.keeper(), clock, host,
              machine.host.data_dir(), Log::none()}) {}
    /// As one that is killed, or cut off.
    void die() { store.cut_now(); }
};

struct TwoHosts {
    Machine machine;
    LocalStore store;
    SystemClock clock;
    std::unique_ptr<HaAgent> first, second;

    TwoHosts() {
        Database database;
        database.id = "shop";
        database.state = DatabaseState::available;
        database.dialect = "pglogical";
        database.spec.database_name = "shop";
        Transaction rows;
        rows.add(Databases::insert(database));
        for (const auto* id : {kPrimary, kReplica}) {
            Host host;
            host.id = host_of(id);
            host.runtime = "process";
            host.peer_addresses = {machine.address_of(id)};
            rows.add(Hosts::insert(host, host.id, clock.wall()));
            rows.add(instance(id));
        }
        rows.add(Nodes::set("shop", "n1", kPrimary));
        REQUIRE(store.commit(rows, Limit(kLong)).committed);

        machine.make(kPrimary);
        auto context = machine.context();
        connect_locally(machine.host.runtime(), kPrimary, "postgres", Limit(60s))
            .run("CREATE ROLE patroni_replicator LOGIN REPLICATION", Limit(60s));
        machine.slots.apply(machine.slot(), context);
        machine.make(kReplica);
        machine.ask(kPrimary, "CREATE TABLE t AS SELECT 1 AS n");
        start(first, "host-1");
        start(second, "host-2");
        REQUIRE(comes_true([&] { return history().size() == 1; }));
    }
    static std::string host_of(const std::string& id) { return id == kPrimary ? "host-1" : "host-2"; }
    std::vector<Statement> instance(const std::string& id) const {
        Instance instance;
        instance.id = id;
        instance.database_id = "shop";
        instance.node_name = "n1";
        instance.host_id = host_of(id);
        instance.state = InstanceState::available;
        instance.listen_port = 5432;
        return {Databases::upsert_instance(instance),
                Databases::upsert_resource("shop", {machine.data(id), false, ""})};
    }
    void start(std::unique_ptr<HaAgent>& agent, const std::string& host) {
        agent.reset();
        agent = std::make_unique<HaAgent>(store, machine, host);
    }
    std::vector<HaChange> history() { return HaTable(store).history("shop", "n1", Limit(kLong)); }
    HaNode node() { return HaTable(store).node("shop", "n1", Limit(kLong)); }
    std::string asked(const std::string& id, const std::string& sql) {
        try {
            return machine.ask(id, sql);
        } catch (const Error&) {
            return "no answer";
        }
    }
    bool serves(const std::string& id) {
        return comes_true([&] {
            return asked(id, "SELECT pg_is_in_recovery()") == "f" && node().last && node().last->instance_id == id;
        });
    }
    void set_stopped(const std::string& id, bool stopped) {
        Transaction transaction;
        transaction.add(Databases::set_stopped(id, stopped, clock.wall()));
        REQUIRE(store.commit(transaction, Limit(kLong)).committed);
    }
    bool follows(const std::string& id) {
        return comes_true([&] { return asked(id, "SELECT status FROM pg_stat_wal_receiver") == "streaming"; });
    }
    bool has_told(const std::string& id) {
        return comes_true([&] {
            const auto now = node();
            return now.find(id)->told && now.find(id)->told->complete && now.find(id)->told->streaming;
        });
    }
    Task ask_for(const HaRequest& asked_for) {
        HaRequest request = asked_for;
        Task task;
        task.id = request.task_id = new_uuid();
        task.scope = "database";
        task.entity_id = task.database_id = "shop";
        task.type = "switchover";
        task.node_name = "n1";
        task.created_at = clock.wall();
        Transaction transaction;
        transaction.add(HaRequests::insert(task, request));
        REQUIRE(store.commit(transaction, Limit(kLong)).committed);
        return task;
    }
    Task ended(const Task& task) {
        Task now;
        CHECK(comes_true([&] { return is_final((now = *Tasks(store).find(task.id, Limit(kLong))).status); }));
        return now;
    }
};

}  // namespace

TEST_CASE("the standby takes over from a host that is cut off, and the old primary follows it") {
    TwoHosts hosts;
    REQUIRE(hosts.has_told(kReplica));
    const auto old_server = hosts.machine.host.postmaster_pid(server_of(hosts.machine.host.runtime(), kPrimary));

    hosts.first->die();
    REQUIRE(comes_true([&] { return hosts.asked(kReplica, "SELECT pg_is_in_recovery()") == "f"; }));
    CHECK_FALSE(alive(old_server));
    CHECK(hosts.serves(kReplica));
    hosts.machine.ask(kReplica, "INSERT INTO t VALUES (2)");
    hosts.start(hosts.first, "host-1");

    CHECK(hosts.follows(kPrimary));
    CHECK(comes_true([&] { return hosts.asked(kPrimary, "SELECT count(*) FROM t") == "2"; }));
    const auto history = hosts.history();
    REQUIRE(history.size() == 2);
    CHECK(history[0].instance_id == kReplica);
    CHECK(history[0].from_instance == kPrimary);
    CHECK(history[0].timeline == 2);
    CHECK(history[0].cause == "best candidate");
    CHECK(history[0].switch_lsn);
    const auto tasks = Tasks(hosts.store).list("database", "shop", {}, Limit(kLong));
    REQUIRE(tasks.size() == 1);
    CHECK(tasks[0].type == "failover");
    CHECK(tasks[0].status == TaskStatus::completed);
    CHECK(hosts.node().primary_instance == kReplica);
}

TEST_CASE("a switchover there and back loses nothing, and its task tells") {
    TwoHosts hosts;
    REQUIRE(hosts.has_told(kReplica));

    const auto there = hosts.ended(hosts.ask_for({}));
    CHECK(there.error == "");
    CHECK(there.status == TaskStatus::completed);
    CHECK(hosts.serves(kReplica));
    CHECK(hosts.follows(kPrimary));
    REQUIRE(hosts.has_told(kPrimary));
    hosts.machine.ask(kReplica, "INSERT INTO t VALUES (2)");

    HaRequest back;
    back.candidate = kPrimary;
    const auto task = hosts.ended(hosts.ask_for(back));
    CHECK(task.error == "");
    CHECK(hosts.serves(kPrimary));
    CHECK(hosts.asked(kPrimary, "SELECT count(*) FROM t") == "2");
    CHECK(hosts.follows(kReplica));
    CHECK_FALSE(hosts.node().request);
    CHECK(hosts.history().size() == 3);
    for (const auto& change : hosts.history()) CHECK(change.lost_bytes == 0);
}

TEST_CASE("a primary that a user stops stays down, and starts as a standby of the one that took over") {
    TwoHosts hosts;
    REQUIRE(hosts.has_told(kReplica));
    auto& runtime = hosts.machine.host.runtime();
    hosts.set_stopped(kPrimary, true);
    hosts.first->ha.take_down(kPrimary, Limit(60s));

    CHECK(runtime.state(kPrimary) == ServerState::stopped);
    CHECK(hosts.serves(kReplica));
    hosts.first->die();
    hosts.start(hosts.first, "host-1");
    CHECK_THROWS_WITH_AS(hosts.first->ha.start(server_of(runtime, kPrimary), Limit(60s)),
                         doctest::Contains("was stopped by a user"), const Error&);
    CHECK(runtime.state(kPrimary) == ServerState::stopped);
    hosts.set_stopped(kPrimary, false);
    hosts.first->ha.bring_up(kPrimary, Limit(60s));
    CHECK(hosts.follows(kPrimary));
    CHECK(hosts.history().size() == 2);
}

TEST_CASE("the last primary goes on in its timeline when nobody has taken over") {
    TwoHosts hosts;
    REQUIRE(hosts.has_told(kReplica));
    hosts.set_stopped(kReplica, true);
    hosts.second->ha.take_down(kReplica, Limit(60s));
    hosts.set_stopped(kPrimary, true);
    hosts.first->ha.take_down(kPrimary, Limit(60s));

    hosts.set_stopped(kPrimary, false);
    hosts.first->ha.bring_up(kPrimary, Limit(60s));
    CHECK(hosts.serves(kPrimary));
    CHECK(comes_true([&] { return hosts.node().last_term == 2; }));
    CHECK(hosts.node().last->timeline == 1);
    hosts.set_stopped(kReplica, false);
    hosts.second->ha.bring_up(kReplica, Limit(60s));
    CHECK(hosts.follows(kReplica));
}

TEST_CASE("without a standby that streams a switchover fails, and nothing is stopped") {
    TwoHosts hosts;
    hosts.second->die();
    hosts.machine.host.runtime().stop(kReplica, StopMode::fast, Limit(60s));
    const auto before = hosts.machine.host.postmaster_pid(server_of(hosts.machine.host.runtime(), kPrimary));

    const auto task = hosts.ended(hosts.ask_for({}));

    CHECK(task.status == TaskStatus::failed);
    CHECK_MESSAGE(task.error.find("it does not stream from the primary") != std::string::npos, task.error);
    CHECK(hosts.machine.host.postmaster_pid(server_of(hosts.machine.host.runtime(), kPrimary)) == before);
    CHECK_FALSE(hosts.node().request);
}

TEST_CASE("an agent that is started again goes on with lease and server; one that ends leaves time for that") {
    TwoHosts hosts;
    const auto before = hosts.machine.host.postmaster_pid(server_of(hosts.machine.host.runtime(), kPrimary));

    hosts.start(hosts.first, "host-1");
    const auto held = [&] { return hosts.first->leases.renewed_at(primary_lease("shop", "n1")).has_value(); };
    CHECK(comes_true(held));

    CHECK(
        comes_true([&] { return hosts.first->leases.hold_of(primary_lease("shop", "n1")) == HighAvailability::kTtl; }));
    CHECK(alive(before));
    CHECK(hosts.history().size() == 1);
}

TEST_CASE("a node that loses its replica goes on without a deadline, and has one again with the next") {
    TwoHosts hosts;
    auto& runtime = hosts.machine.host.runtime();
    const auto before = hosts.machine.host.postmaster_pid(server_of(runtime, kPrimary));
    const auto lease = primary_lease("shop", "n1");
    hosts.second.reset();
    runtime.stop(kReplica, StopMode::fast, Limit(60s));
    Transaction away;
    away.add(Databases::erase_instance(kReplica));
    REQUIRE(hosts.store.commit(away, Limit(kLong)).committed);

    CHECK(comes_true([&] { return runtime.started_as(kPrimary).role == ServerRole::single; }));
    CHECK_FALSE(runtime.started_as(kPrimary).deadline);
    hosts.first->die();  // nobody renews the lease now, and nobody may take it
    hosts.start(hosts.first, "host-1");

    Transaction back;
    back.add(hosts.instance(kReplica));
    REQUIRE(hosts.store.commit(back, Limit(kLong)).committed);
    CHECK(comes_true([&] { return runtime.started_as(kPrimary).deadline.has_value(); }));
    CHECK(comes_true([&] { return hosts.first->leases.hold_of(lease) == HighAvailability::kTtl; }));
    CHECK(hosts.machine.host.postmaster_pid(server_of(runtime, kPrimary)) == before);
    CHECK(hosts.history().size() == 1);
    hosts.start(hosts.second, "host-2");
    CHECK(hosts.follows(kReplica));
}
