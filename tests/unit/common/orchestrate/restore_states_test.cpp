#include "common/orchestrate/restore_states.hpp"

#include <doctest/doctest.h>

#include "tests/unit/common/orchestrate/small_cluster.hpp"

using namespace pgedge;

namespace {

/// Three nodes, the first with a replica, all backed up; and a wish to restore some of them from the first.
struct RestoreCluster : SmallCluster {
    explicit RestoreCluster(const std::vector<std::string>& nodes) {
        add_node("n1", {"host-1", "host-4"});
        add_node("n2", {"host-2"});
        add_node("n3", {"host-3"});
        wanted.spec.backup_config.emplace();
        RepositorySpec repository;
        repository.type = "posix";
        repository.base_path = "/backups";
        wanted.spec.backup_config->repositories = {repository};
        carry_out(plan());
        RestoreConfigSpec config;
        config.source_database_id = config.source_database_name = "storefront";
        config.source_node_name = "n1";
        config.repository = repository;
        restore = restore_wish("r1", nodes, config);
    }
    std::string id(const std::string& node, const std::string& host) const {
        return instance_id(wanted.id, node, host);
    }
};

/// The number of the state that the step is of, from 0; -1: there is none.
int state_of(const Plan& plan, Action action, const std::string& resource) {
    for (const auto& step : plan.steps)
        if (step.action == action && step.resource.id.text() == resource) return std::stoi(step.id);
    return -1;
}

}  // namespace

TEST_CASE("nothing is touched before all restored data are ready") {
    RestoreCluster cluster({"n1", "n2", "n3"});
    const auto plan = cluster.plan();
    REQUIRE(plan.states.size() == 5);
    for (const auto& step : plan.steps) {
        CAPTURE(step.id);
        CHECK((std::stoi(step.id) == 0) ==
              (step.resource.id.kind == "common.restored_data" && step.action == Action::create));
    }
    const auto first = cluster.id("n1", "host-1"), replica = cluster.id("n1", "host-4");
    CHECK(state_of(plan, Action::remove, "instance.data::" + replica) == 1);
    CHECK(state_of(plan, Action::remove, "database.physical_slot::" + replica) == 1);
    CHECK(state_of(plan, Action::remove, "database.subscription::sub_n1_n2") == 1);
    for (const char* kind : {"instance.data", "instance.config", "instance.server", "database.instance"})
        CHECK(state_of(plan, Action::create, std::string(kind) + "::" + first) == 2);
    CHECK(state_of(plan, Action::create, "database.postgres_database::n2") == 2);
    CHECK(state_of(plan, Action::update, "database.replication_slot::n1_pgl_storefront_n1_sub_n1_n2") == 3);
    CHECK(state_of(plan, Action::update, "instance.config::" + first) == 4);  // opens it to clients
    CHECK(state_of(plan, Action::create, "instance.data::" + replica) == 4);
    CHECK(state_of(plan, Action::create, "database.subscription::sub_n1_n2") == 4);
    CHECK(state_of(plan, Action::update, "common.pgbackrest_stanza::n2") == 4);
    CHECK(state_of(plan, Action::remove, "common.restored_data::" + first) == 4);

    cluster.carry_out(plan);
    cluster.restore.reset();
    CHECK(cluster.plan().empty());
}

TEST_CASE("nodes that are not restored keep their servers and the links between them") {
    RestoreCluster cluster({"n1"});
    const auto plan = cluster.plan();
    for (const auto& step : plan.steps) {
        CAPTURE(step.id);
        CHECK(step.resource.id.kind != "database.postgres_database::n2");
        CHECK(step.resource.id.text() != "database.subscription::sub_n2_n3");
        CHECK(step.resource.id.text() != "instance.server::" + cluster.id("n2", "host-2"));
        // What they wrote since is sent to the restored node.
        CHECK((step.action != Action::remove || step.resource.id.kind != "database.replication_slot"));
    }
    CHECK(state_of(plan, Action::remove, "database.subscription::sub_n1_n2") == 1);
    CHECK(state_of(plan, Action::remove, "database.subscription::sub_n2_n1") == 1);
    cluster.carry_out(plan);
    cluster.restore.reset();
    CHECK(cluster.plan().empty());
}

TEST_CASE("a restore that is broken off anywhere is made whole by an update, and no node gets data of another") {
    RestoreCluster whole({"n1", "n2", "n3"});
    for (const auto& step : whole.plan().steps) {
        CAPTURE(step.id);
        RestoreCluster cluster({"n1", "n2", "n3"});
        cluster.carry_out_until(cluster.plan(), step.id, "the power went");
        cluster.restore.reset();
        const auto plan = cluster.plan();
        for (const auto& each : plan.steps) CHECK(each.resource.id.kind != "database.node_data");
        cluster.carry_out(plan);
        CHECK(cluster.plan().empty());
    }
}

TEST_CASE("a wish is the same after it was stored") {
    RestoreCluster cluster({"n1", "n3"});
    CHECK(restore_wish_from_json(to_json(*cluster.restore)) == *cluster.restore);
    CHECK(cluster.restore->repository.at("repo1-path") == "/backups/databases/storefront/n1");
}
