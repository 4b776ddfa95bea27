// What a backup_config does to a database that runs: a node with a replica, and another one.
#include <map>

#include <doctest/doctest.h>

#include "tests/unit/common/orchestrate/small_cluster.hpp"

using namespace pgedge;

namespace {

SmallCluster running_without_backups() {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1", "host-2"});
    cluster.add_node("n2", {"host-3"});
    cluster.carry_out(cluster.plan());
    return cluster;
}

void turn_on(SmallCluster& cluster) {
    RepositorySpec repository;
    repository.type = "posix";
    repository.base_path = "/backups";
    cluster.wanted.spec.backup_config = BackupConfigSpec{{repository}, {}};
}

/// How many steps there are of each kind and action: "instance.config update".
std::map<std::string, int> counts_of(const Plan& plan) {
    std::map<std::string, int> counts;
    for (const auto& step : plan.steps) ++counts[step.resource.id.kind + " " + std::string(to_string(step.action))];
    return counts;
}

bool restarts_any(const Plan& plan) {
    return std::any_of(plan.steps.begin(), plan.steps.end(), [](const Step& step) { return step.impact.restart; });
}

void do_all(SmallCluster& cluster, const Plan& plan) {
    cluster.carry_out(plan);
    CHECK(cluster.plan().empty());
}

using Counts = std::map<std::string, int>;

}  // namespace

TEST_CASE("backups are turned on, and off again, without a restart") {
    auto cluster = running_without_backups();
    turn_on(cluster);
    const Plan on = cluster.plan();
    CHECK(counts_of(on) == Counts{{"common.pgbackrest_config create", 3},
                                  {"common.pgbackrest_stanza create", 2},
                                  {"instance.config update", 3}});
    CHECK_FALSE(restarts_any(on));
    do_all(cluster, on);

    cluster.wanted.spec.backup_config->repositories[0].retention_full = 3;
    const Plan changed = cluster.plan();
    CHECK(counts_of(changed) == Counts{{"common.pgbackrest_config update", 3}, {"common.pgbackrest_stanza update", 2}});
    do_all(cluster, changed);

    cluster.wanted.spec.backup_config.reset();
    const Plan off = cluster.plan();
    CHECK(counts_of(off) == Counts{{"common.pgbackrest_config delete", 3},
                                   {"common.pgbackrest_stanza delete", 2},
                                   {"instance.config update", 3}});
    CHECK_FALSE(restarts_any(off));
    do_all(cluster, off);
}

TEST_CASE("a lost configuration of pgBackRest is written again, and nothing else is touched") {
    auto cluster = running_without_backups();
    turn_on(cluster);
    cluster.carry_out(cluster.plan());
    cluster.known.at({"common.pgbackrest_config", SmallCluster::kFirst}).needs_recreate = true;
    const Plan plan = cluster.plan();
    CHECK(counts_of(plan) == Counts{{"common.pgbackrest_config create", 1}});
    do_all(cluster, plan);
}

TEST_CASE("a server that restarts while backups are turned on has its archive command before") {
    auto cluster = running_without_backups();
    turn_on(cluster);
    cluster.wanted.spec.postgresql_conf["max_connections"] = "500";
    const Plan plan = cluster.plan();
    CHECK(restarts_any(plan));
    std::map<std::string, bool> archives;
    for (const auto& step : plan.steps) {
        if (step.resource.id.kind == "instance.config")
            archives[step.resource.id.name] = step.resource.want.contains("archive");
        if (step.resource.id.kind == "instance.server") CHECK(archives[step.resource.id.name]);
    }
    CHECK(archives.size() == 3);
    do_all(cluster, plan);
}

TEST_CASE("settings of the archive are not a user's while backup_config sets them") {
    auto cluster = running_without_backups();
    turn_on(cluster);
    cluster.wanted.spec.postgresql_conf["archive_command"] = "cp %p /x";
    const auto around = cluster.surroundings();
    const auto problems = preflight({cluster.wanted, nullptr, cluster.known, around, cluster.instances});
    REQUIRE(problems.size() == 2);  // of each node
    CHECK(problems[0].path == "spec.postgresql_conf.archive_command");
    CHECK(problems[0].text == "backup_config sets it for node n1");
}
