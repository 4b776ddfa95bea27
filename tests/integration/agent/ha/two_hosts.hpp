// The agents of two hosts, each with a store that can be cut off, look after a primary and its standby that really run.
#pragma once

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

namespace pgedge::test {

inline constexpr std::chrono::minutes kLong(5);

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

}  // namespace pgedge::test
