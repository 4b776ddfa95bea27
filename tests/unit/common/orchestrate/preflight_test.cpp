#include <doctest/doctest.h>

#include "tests/unit/common/orchestrate/small_cluster.hpp"

using namespace pgedge;

namespace {

std::vector<std::string> problems_of(const SmallCluster& cluster, const Database* stored = nullptr,
                                     std::optional<Surroundings> surroundings = {}) {
    if (!surroundings) {
        surroundings.emplace();
        surroundings->hosts = cluster.hosts;
        surroundings->gone_hosts = cluster.gone_hosts;
        surroundings->primaries = cluster.primaries;
    }
    std::vector<std::string> lines;
    for (const auto& problem : preflight({cluster.wanted, stored, cluster.known, *surroundings, cluster.instances}))
        lines.push_back(line_of(problem));
    return lines;
}

std::vector<std::string> warnings_of(const SmallCluster& cluster, const Database* stored) {
    const Surroundings surroundings = cluster.surroundings();
    return warnings({cluster.wanted, stored, cluster.known, surroundings, cluster.instances});
}

std::vector<std::string> lost_of(const SmallCluster& cluster, const Database* stored) {
    const Surroundings surroundings = cluster.surroundings();
    std::vector<std::string> lines;
    for (const auto& problem : lost_data({cluster.wanted, stored, cluster.known, surroundings, cluster.instances}))
        lines.push_back(line_of(problem));
    return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a good database has no problems") {
    SmallCluster cluster;
    cluster.add_three_nodes();
    CHECK(problems_of(cluster).empty());
    cluster.carry_out(cluster.plan());
    const Database stored = cluster.wanted;
    CHECK(problems_of(cluster, &stored).empty());
}

TEST_CASE("the data of a new node come from a node that has them, and from no newer PostgreSQL") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.add_node("n2", {"host-2"});
    cluster.carry_out(cluster.plan());
    const Database stored = cluster.wanted;
    cluster.add_node("n3", {"host-3"}).source_node = "n2";
    CHECK(problems_of(cluster, &stored).empty());
    CHECK(arriving_nodes(cluster.wanted, cluster.now(), cluster.surroundings()) ==
          std::map<std::string, std::string>{{"n3", "n2"}});

    const Plan plan = cluster.plan();
    const auto data = std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) {
        return step.resource.id == ResourceId{"database.node_data", "n3"};
    });
    REQUIRE(data != plan.steps.end());
    cluster.carry_out_until(plan, data->id, "it was cancelled");
    cluster.add_node("n4", {"host-4"}).source_node = "n3";
    CHECK(problems_of(cluster, &stored) ==
          Lines{"nodes[3].source_node: node n3 has no data that node n4 could get (nodes that have: n1, n2)"});
    cluster.wanted.spec.nodes = {cluster.wanted.spec.nodes[2]};
    cluster.wanted.spec.nodes[0].source_node.reset();
    CHECK(problems_of(cluster, &stored) ==
          Lines{"nodes[0]: node n3 has not got its data yet, and no other node would be left to give them (keep the "
                "node that it gets them from until it is added, or leave it out)"});
}

TEST_CASE("unknown hosts are told all at once, each at its place, with the one that is meant") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-9", "host-1"});
    cluster.add_node("n2", {"elsewhere", "host-9", "hots-1"});
    const std::string hosts = "hosts of this cluster: host-1, host-2, host-3, host-4)";
    CHECK(problems_of(cluster) ==
          Lines{"nodes[0].host_ids[0]: got invalid host ids: host-9 (did you mean host-2? " + hosts,
                "nodes[1].host_ids[0]: got invalid host ids: elsewhere (" + hosts,
                "nodes[1].host_ids[1]: got invalid host ids: host-9 (did you mean host-2? " + hosts,
                "nodes[1].host_ids[2]: got invalid host ids: hots-1 (did you mean host-1? " + hosts});
}

TEST_CASE("name, tenant and major stay") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.carry_out(cluster.plan());
    const Database stored = cluster.wanted;
    cluster.wanted.spec.database_name = "other";
    cluster.wanted.tenant_id = "t-1";
    auto surroundings = cluster.surroundings();
    surroundings.versions.at("storefront-n1-689qacsi").postgres = "16.3";
    CHECK(problems_of(cluster, &stored, surroundings) ==
          Lines{"database_name: database name cannot be changed (it is storefront)",
                "tenant_id: tenant ID cannot be changed (it has none)",
                "invalid change for instance storefront-n1-689qacsi: major version changed from 15 to 16"});
}

TEST_CASE("a port that somebody has is refused") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1", "host-2"});
    Instance other;
    other.id = "billing-n1-9ptayhma";
    other.database_id = "billing";
    other.host_id = "host-2";
    other.listen_port = 5432;
    cluster.instances = {other};
    CHECK(problems_of(cluster) ==
          Lines{"port: port 5432 on host host-2 is in use by instance billing-n1-9ptayhma of database billing"});
    cluster.wanted.spec.nodes[0].port = 3000;
    CHECK(problems_of(cluster) == Lines{"nodes[0].port: port 3000 on host host-1 is in use by its agent",
                                        "nodes[0].port: port 3000 on host host-2 is in use by its agent"});
}

TEST_CASE("a database with an instance that a user stopped is not changed, unless that one goes") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1", "host-2"});
    Instance stopped;
    stopped.id = "storefront-n1-9ptayhma";
    stopped.database_id = "storefront";
    stopped.host_id = "host-2";
    stopped.listen_port = 5432;
    stopped.stopped = true;
    cluster.instances = {stopped};
    CHECK(
        problems_of(cluster) ==
        Lines{"nodes[0].host_ids[1]: instance storefront-n1-9ptayhma was stopped by a user (start it first: pgedgectl "
              "instance start storefront storefront-n1-9ptayhma)"});
    cluster.wanted.spec.nodes[0].host_ids = {"host-1"};
    CHECK(problems_of(cluster).empty());
}

TEST_CASE("names that are ours are refused, and settings that the version does not have") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"}).postgresql_conf = {{"auto_explain.log_min_duration", "1s"}, {"io_workers", "4"}};
    cluster.wanted.spec.postgresql_conf = {{"wrok_mem", "1MB"}, {"work_mem", "1MB"}};
    cluster.wanted.spec.database_users[0].username = "pgedge";
    CHECK(problems_of(cluster, nullptr, cluster.surroundings()) ==
          Lines{"nodes[0].postgresql_conf.io_workers: PostgreSQL 15 has no such setting",
                "postgresql_conf.wrok_mem: PostgreSQL 15 has no such setting (did you mean work_mem?)",
                "database_users[0].username: the name pgedge is reserved"});
}

TEST_CASE("roles of users that cannot be there are refused") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    auto& users = cluster.wanted.spec.database_users;
    users.push_back({});
    users.back().username = "app";
    users.back().roles = {"pgedge_superuser", users.front().username, "pg_monitor", "pg_maintain", "nobody"};
    const Lines all{
        "database_users[1].roles[3]: PostgreSQL has the role pg_maintain since 17",
        "database_users[1].roles[4]: there will be no role \"nobody\" (add it to database_users, or create it "
        "in scripts.post_init)"};
    CHECK(problems_of(cluster, nullptr, cluster.surroundings()) == all);
    CHECK(problems_of(cluster, &cluster.wanted, cluster.surroundings()) == Lines{all[0]});
    cluster.wanted.spec.scripts.post_init = {"CREATE ROLE nobody"};
    CHECK(problems_of(cluster, nullptr, cluster.surroundings()) == Lines{all[0]});
}

TEST_CASE("a user that leaves the spec is warned of") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    Database stored = cluster.wanted;
    stored.spec.database_users.push_back({});
    stored.spec.database_users.back().username = "bob";
    const auto warned = warnings_of(cluster, &stored);
    CHECK(std::count_if(warned.begin(), warned.end(), [](const std::string& warning) {
              return warning.starts_with("user bob is not in database_users any more");
          }) == 1);
}

TEST_CASE("files are included by servers that can") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"}).pg_ident_conf = {"ops alice bob", "include_dir ident.d"};
    cluster.wanted.spec.pg_hba_conf = {"include_if_exists more.conf"};
    CHECK(problems_of(cluster, nullptr, cluster.surroundings()) ==
          Lines{"pg_hba_conf[0]: PostgreSQL includes files since 16 (write the lines themselves)",
                "nodes[0].pg_ident_conf[1]: PostgreSQL includes files since 16 (write the lines themselves)"});
    Surroundings newer = cluster.surroundings();
    for (auto& [id, version] : newer.versions) version.postgres = "16.9";
    CHECK(problems_of(cluster, nullptr, newer).empty());
}

TEST_CASE("nodes whose sequences would collide are refused") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.add_node("n17", {"host-2"});
    cluster.add_node("n18", {"host-3"});
    CHECK(problems_of(cluster) == Lines{"nodes[1].name: nodes n1 and n17 would give the same numbers from sequences: "
                                        "their own numbers differ by a multiple of 16"});
}

TEST_CASE("what would silently not be done is refused") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"}).source_node = "n2";
    cluster.add_node("n2", {"host-2"}).restore_config.emplace();
    cluster.wanted.spec.services.emplace_back();
    CHECK(problems_of(cluster) ==
          Lines{"services: services are not supported on hosts that run PostgreSQL as processes",
                "nodes[1].restore_config: restoring from a backup is not supported yet",
                "nodes[0].source_node: node n2 has no data that node n1 could get (leave it out: the nodes of a new "
                "database begin together)"});
    cluster.wanted.spec.services.clear();
    cluster.wanted.spec.nodes[0].source_node.reset();
    const Database stored = cluster.wanted;
    CHECK(problems_of(cluster, &stored).empty());
}

TEST_CASE("a primary cannot be left out, and a lost host not be wanted") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1", "host-2"});
    cluster.carry_out(cluster.plan());
    const Database stored = cluster.wanted;
    cluster.wanted.spec.nodes[0].host_ids = {"host-2"};
    CHECK(problems_of(cluster, &stored) == Lines{"nodes[0].host_ids: the primary of node n1 is on host host-1, which "
                                                 "cannot be left out while replicas of it stay"});
    cluster.wanted.spec.nodes[0].host_ids = {"host-1", "host-2"};
    cluster.gone_hosts = {"host-2"};
    CHECK(problems_of(cluster, &stored) == Lines{"nodes[0].host_ids[1]: host host-2 is to be treated as lost and is "
                                                 "still wanted (take it out of the spec)"});
    cluster.wanted.spec.nodes[0].host_ids = {"host-1"};
    CHECK(problems_of(cluster, &stored).empty());
    cluster.gone_hosts = {"hots-2"};
    CHECK(problems_of(cluster, &stored) ==
          Lines{"host hots-2 is to be treated as lost and is no host of this cluster (did you mean host-2? hosts of "
                "this cluster: host-1, "
                "host-2, host-3, host-4)"});
}

TEST_CASE("a primary whose data is gone is not made anew silently; a replica is") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1", "host-2"});
    cluster.carry_out(cluster.plan());
    const Database stored = cluster.wanted;
    cluster.known.at({"instance.data", instance_id("storefront", "n1", "host-2")}).needs_recreate = true;
    CHECK(lost_of(cluster, &stored).empty());

    auto& primary = cluster.known.at({"instance.data", instance_id("storefront", "n1", "host-1")});
    primary.needs_recreate = true;
    CHECK(lost_of(cluster, &stored) ==
          Lines{"nodes[0]: the data directory of instance storefront-n1-689qacsi is gone from host host-1 "
                "(put it back, or apply the spec without n1 and then with it again: it will be empty)"});

    CHECK(problems_of(cluster, &stored).empty());  // it may be back: only a look can tell
    CHECK(warnings_of(cluster, &stored) ==
          Lines{"the data directory of instance storefront-n1-689qacsi is gone from host "
                "host-1, as was seen last: if it is not back, the task ends there"});

    primary.error = "No space left on device";  // it was never made
    CHECK(lost_of(cluster, &stored).empty());
}

TEST_CASE("users are warned of what they might not expect") {
    SmallCluster cluster;
    cluster.add_three_nodes();
    REQUIRE(warnings_of(cluster, nullptr).size() == 1);
    CHECK(warnings_of(cluster, nullptr)[0].starts_with("pglogical: not replicated: roles"));
    cluster.wanted.dialect = "spock";
    REQUIRE(warnings_of(cluster, nullptr).size() == 1);
    CHECK(warnings_of(cluster, nullptr)[0].starts_with("Spock: not replicated: roles"));
    cluster.wanted.dialect = "pglogical";
    cluster.carry_out(cluster.plan());
    const Database stored = cluster.wanted;
    cluster.add_node("n4", {"host-4"}).backup_config.emplace();
    cluster.wanted.spec.nodes.back().backup_config->schedules.push_back({"nightly", "full", "0 0 * * *"});
    cluster.wanted.spec.orchestrator_opts.emplace();
    CHECK(warnings_of(cluster, &stored) ==
          Lines{"node n4 gets a copy of node n1 and all that is committed meanwhile, and takes clients when it has "
                "both; writes go on everywhere, but on n1 ALTER, DROP and TRUNCATE of tables wait until their rows are "
                "copied and indexed",
                "the schedules of backup_config are stored, but no backup is made by itself yet: ask for each, by "
                "pgedgectl backup create",
                "orchestrator_opts is stored, but has no effect on hosts that run PostgreSQL as processes"});
}

TEST_CASE("a node that moves with all its hosts begins empty; one that keeps a host does not") {
    SmallCluster cluster;
    cluster.add_three_nodes();
    const Database stored = cluster.wanted;
    cluster.wanted.spec.nodes[1].host_ids = {"host-2", "host-4"};
    CHECK(warnings_of(cluster, &stored).empty());
    cluster.wanted.spec.nodes[1].host_ids = {"host-4"};
    REQUIRE(warnings_of(cluster, &stored).size() == 1);
    CHECK(warnings_of(cluster, &stored)[0].starts_with("node n2 begins empty"));
}
