#pragma once

#include <string>

#include <doctest/doctest.h>

#include "agent/ha/ha_operations.hpp"
#include "agent/store/local_store.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/nodes.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/unit/agent/store/commit.hpp"

namespace pgedge {

/// A store with databases as operations leave them: their nodes, instances and what their data was copied from.
struct HaRig {
    LocalStore store;
    FakeClock clock;
    HaTable table{store};

    /// "shop": node n1 with the instances a (the primary), b and c on host-a, host-b and host-c, all copies of one.
    void add_shop() {
        add_database("shop", {"n1"});
        for (const std::string name : {"a", "b", "c"}) add_instance("shop", "n1", name, "origin");
        REQUIRE(commit(store, Nodes::set("shop", "n1", "a")));
    }
    void add_database(const std::string& id, const std::vector<std::string>& nodes,
                      const std::string& dialect = "pglogical") {
        Database database;
        database.id = id;
        database.state = DatabaseState::available;
        database.dialect = dialect;
        database.spec.database_name = id;
        for (const auto& name : nodes) {
            auto& node = database.spec.nodes.emplace_back();
            node.name = name;
            node.host_ids = {"host-" + name};
        }
        database.created_at = database.updated_at = clock.wall();
        REQUIRE(commit(store, Databases::insert(database)));
    }
    /// On "host-<id>".
    void add_instance(const std::string& database, const std::string& node, const std::string& id,
                      const std::string& origin) {
        Instance instance;
        instance.id = id;
        instance.database_id = database;
        instance.node_name = node;
        instance.host_id = "host-" + id;
        instance.state = InstanceState::available;
        instance.listen_port = 5432;
        instance.created_at = instance.updated_at = clock.wall();
        REQUIRE(commit(store, Databases::upsert_instance(instance)));
        REQUIRE(commit(
            store, Databases::upsert_resource(
                       database, {{{"instance.data", id}, "host-" + id, {}, {{"origin", origin}}, {}}, false, {}})));
    }
    HaNode node(const std::string& database = "shop") { return table.node(database, "n1", soon()); }
    bool run(std::vector<Statement> statements) {
        Transaction transaction;
        transaction.add(std::move(statements));
        return store.commit(transaction, soon()).committed;
    }
    Task task(const std::string& id) { return *Tasks(store).find(id, soon()); }
    std::vector<std::string> log(const std::string& id) {
        std::vector<std::string> messages;
        for (const auto& entry : Tasks(store).log(id, "", std::nullopt, soon())) messages.push_back(entry.message);
        return messages;
    }
    /// A switchover to b that waits.
    HaRequest add_request() {
        Task task;
        task.id = new_uuid();
        task.scope = "database";
        task.entity_id = task.database_id = "shop";
        task.type = "switchover";
        task.node_name = "n1";
        task.created_at = clock.wall();
        HaRequest request;
        request.task_id = task.id;
        request.candidate = "b";
        REQUIRE(run(HaRequests::insert(task, request)));
        return request;
    }
};

}  // namespace pgedge
