#include "common/base/error.hpp"
#include "tests/unit/agent/ha/ha_rig.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

struct OperationsRig : HaRig {
    HostLiveness liveness{clock};
    HaOperations operations{store, clock, &liveness};

    OperationsRig() { add_shop(); }
    std::size_t tasks() { return Tasks(store).list("database", "shop", {}, soon()).size(); }
    /// The name and text of the error that both operations end with; nothing is stored.
    std::string refused(const HaWish& wish) {
        std::string first;
        for (const bool failover : {false, true}) {
            std::string said = "no error";
            try {
                if (failover)
                    operations.failover(wish, soon());
                else
                    operations.switchover(wish, soon());
            } catch (const Error& error) {
                said = std::string(error.name()) + ": " + error.text();
            }
            if (!failover) first = said;
            CHECK(said == first);
        }
        CHECK(tasks() == 0);
        CHECK_FALSE(node().request);
        return first;
    }
    void set_status(const std::string& id, const std::string& server_state) {
        InstanceStatus status;
        status.postgres_state = server_state;
        status.updated_at = clock.wall();
        REQUIRE(commit(store, Databases::set_instance_status(id, status)));
    }
    void set_state(DatabaseState state) {
        auto database = *Databases(store).find("shop", soon());
        database.state = state;
        REQUIRE(commit(store, Databases::update(database, database.revision)));
    }
};

const HaWish kShop{.database_id = "shop", .node = "n1"};

HaWish to(const std::string& candidate) {
    auto wish = kShop;
    wish.candidate = candidate;
    return wish;
}

}  // namespace

TEST_CASE("what cannot be is refused by name, and nothing is stored") {
    OperationsRig rig;
    CHECK(rig.refused({.database_id = "none", .node = "n1"}) == "not_found: no database \"none\" found");
    CHECK(rig.refused({.database_id = "shop", .node = "n2"}) == "not_found: database \"shop\" has no node \"n2\"");
    CHECK(rig.refused(to("z")) == "invalid_input: instance \"z\" does not belong to node \"n1\"");
    CHECK(rig.refused(to("a")) == "invalid_input: instance \"a\" is the primary already");
    auto past = kShop;
    past.due = rig.clock.wall();
    CHECK(rig.refused(past) == "invalid_input: scheduled_at must be in the future");

    rig.add_database("lone", {"n1"});
    rig.add_instance("lone", "n1", "d", "origin");
    REQUIRE(commit(rig.store, Nodes::set("lone", "n1", "d")));
    CHECK(rig.refused({.database_id = "lone", .node = "n1"}) ==
          "invalid_input: node \"n1\" has one instance: no other can take over");

    rig.add_database("wide", {"n1", "n2"}, "spock");
    for (const std::string name : {"e", "f"}) rig.add_instance("wide", "n1", name, "origin");
    REQUIRE(commit(rig.store, Nodes::set("wide", "n1", "e")));
    CHECK(
        rig.refused({.database_id = "wide", .node = "n1", .candidate = "f"}).starts_with("operation_not_supported: "));

    for (const auto state : {DatabaseState::creating, DatabaseState::modifying, DatabaseState::deleting}) {
        rig.set_state(state);
        CHECK(rig.refused(kShop) ==
              "database_not_modifiable: target database is not modifiable in its current state (" +
                  std::string(to_string(state)) + ")");
    }
}

TEST_CASE("a switchover is stored with its wishes") {
    OperationsRig rig;
    auto wish = to("b");
    wish.due = rig.clock.wall() + 1h;
    const auto task = rig.operations.switchover(wish, soon());
    CHECK(task.type == "switchover");
    CHECK(task.status == TaskStatus::pending);
    CHECK(task.instance_id == "b");
    CHECK(task.node_name == "n1");
    CHECK(rig.task(task.id).entity_id == "shop");
    REQUIRE(rig.node().request);
    CHECK(rig.node().request->candidate == "b");
    CHECK(rig.node().request->due == wish.due);
    CHECK_FALSE(rig.node().request->failover);
    CHECK(rig.log(task.id) ==
          std::vector<std::string>{"switchover of n1 to b at " + to_rfc3339(*wish.due) + " was asked for"});
    CHECK_THROWS_WITH_AS(rig.operations.switchover(kShop, soon()),
                         "a switchover or failover of node \"n1\" is already in progress", Error);
    CHECK(rig.tasks() == 1);
    CHECK(rig.operations.cancel(task.id, soon()));
    CHECK_FALSE(rig.operations.cancel(task.id, soon()));
    CHECK_FALSE(rig.operations.cancel("no task", soon()));
    CHECK_NOTHROW(rig.operations.switchover(kShop, soon()));
}

TEST_CASE("a failover of a node that is well fails at once, and can be asked for again") {
    OperationsRig rig;
    for (int i = 0; i < 2; ++i) {
        const auto task = rig.operations.failover(kShop, soon());
        CHECK(task.status == TaskStatus::failed);
        CHECK(rig.task(task.id).status == TaskStatus::failed);
        CHECK(rig.task(task.id).error == "cluster is healthy; refuse failover unless skip_validation is true");
        CHECK(rig.log(task.id).size() == 2);
        CHECK_FALSE(rig.node().request);
    }
    auto forced = kShop;
    forced.skip_validation = true;
    const auto task = rig.operations.failover(forced, soon());
    CHECK(task.status == TaskStatus::pending);
    CHECK(rig.node().request->forced);
    CHECK(rig.node().request->failover);
}

TEST_CASE("a server that does not run, an instance that failed and a silent host are not well") {
    OperationsRig rig;
    const auto begins = [&] {
        const auto task = rig.operations.failover(kShop, soon());
        return task.status == TaskStatus::pending && rig.operations.cancel(task.id, soon());
    };
    for (const auto* id : {"a", "b", "c"}) rig.set_status(id, "running");
    CHECK_FALSE(begins());
    rig.set_status("a", "crashed");
    CHECK(begins());
    rig.set_status("a", "running");
    CHECK_FALSE(begins());
    REQUIRE(commit(rig.store, Databases::set_instance_state("c", InstanceState::failed, "", rig.clock.wall())));
    CHECK(begins());
    REQUIRE(commit(rig.store, Databases::set_instance_state("c", InstanceState::available, "", rig.clock.wall())));
    CHECK_FALSE(begins());

    rig.liveness.saw("host-a", "i", 1);
    rig.clock.advance(6s);
    for (const auto* id : {"a", "b", "c"}) rig.set_status(id, "running");
    rig.liveness.saw("host-a", "i", 1);
    CHECK(begins());
}
