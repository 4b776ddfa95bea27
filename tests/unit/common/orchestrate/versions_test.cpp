#include <doctest/doctest.h>

#include "tests/unit/common/orchestrate/small_cluster.hpp"

using namespace pgedge;

namespace {

PostgresVersion version(const std::string& postgres, const std::string& dialect,
                        const std::string& extension = "5.0.11") {
    return {postgres, dialect, extension, "/bin/" + postgres};
}

std::string first_problem(const ChosenVersions& chosen) {
    return chosen.problems.empty() ? "none" : line_of(chosen.problems.front());
}

}  // namespace

TEST_CASE("the default is the greatest version that all hosts have") {
    SmallCluster cluster;
    cluster.add_three_nodes();
    cluster.hosts["host-1"].versions = {version("18.1", "spock"), version("17.10", "pglogical"),
                                        version("17.9", "pglogical")};
    cluster.hosts["host-2"].versions = {version("17.9", "pglogical"), version("17.10", "pglogical")};
    cluster.hosts["host-3"].versions = {version("17.10", "pglogical"), version("17.9", "pglogical")};
    const auto chosen = choose_versions(cluster.wanted, nullptr, cluster.hosts);
    CHECK(first_problem(chosen) == "none");
    CHECK(chosen.default_version == "17.10");
    CHECK(chosen.dialect == "pglogical");
    CHECK(chosen.by_instance.size() == 3);
    CHECK(chosen.by_instance.at(SmallCluster::kFirst).bin_dir == "/bin/17.10");
}

TEST_CASE("17.10 is greater than 17.9, and Spock comes before pglogical") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.hosts["host-1"].versions = {version("17.9", "spock"), version("17.10", "pglogical"),
                                        version("17.10", "spock")};
    const auto chosen = choose_versions(cluster.wanted, nullptr, cluster.hosts);
    CHECK(chosen.default_version == "17.10");
    CHECK(chosen.dialect == "spock");
}

TEST_CASE("an existing database keeps its dialect") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.hosts["host-1"].versions = {version("17.10", "spock"), version("17.10", "pglogical", "2.4.5")};
    const auto chosen = choose_versions(cluster.wanted, &cluster.wanted, cluster.hosts);
    CHECK(chosen.dialect == "pglogical");
    CHECK(chosen.by_instance.at(SmallCluster::kFirst).extension == "2.4.5");
}

TEST_CASE("a bare major is its newest minor") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.wanted.spec.postgres_version = "16";
    cluster.hosts["host-1"].versions = {version("17.1", "spock"), version("16.3", "spock"), version("16.12", "spock")};
    CHECK(choose_versions(cluster.wanted, nullptr, cluster.hosts).by_instance.at(SmallCluster::kFirst).postgres ==
          "16.12");
}

TEST_CASE("a node may have a version of its own") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.add_node("n2", {"host-2"}).postgres_version = "16.3";
    cluster.hosts["host-1"].versions = {version("17.1", "spock")};
    cluster.hosts["host-2"].versions = {version("17.1", "spock"), version("16.3", "spock")};
    const auto chosen = choose_versions(cluster.wanted, nullptr, cluster.hosts);
    CHECK(first_problem(chosen) == "none");
    CHECK(chosen.by_instance.at(SmallCluster::kFirst).postgres == "17.1");
    CHECK(chosen.by_instance.at("storefront-n2-9ptayhma").postgres == "16.3");
}

TEST_CASE("hosts that cannot are told, with what they have") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1", "host-2"});
    cluster.wanted.spec.postgres_version = "17.10";
    CHECK(first_problem(choose_versions(cluster.wanted, nullptr, cluster.hosts)) ==
          "nodes[0].host_ids[0]: host host-1 does not support version combination PostgreSQL 17.10 (it has 15.18 with "
          "pglogical "
          "2.4.2)");
    CHECK(choose_versions(cluster.wanted, nullptr, cluster.hosts).problems.size() == 2);

    cluster.wanted.spec.postgres_version.reset();
    cluster.hosts["host-2"].versions.clear();
    const auto chosen = choose_versions(cluster.wanted, nullptr, cluster.hosts);
    CHECK(first_problem(chosen) ==
          "postgres_version: no PostgreSQL version is common to all hosts: host host-1 has 15.18 with pglogical 2.4.2; "
          "host host-2 "
          "has no PostgreSQL with Spock or pglogical (name a version per node, or install the same packages on all "
          "hosts)");
    CHECK(chosen.problems.size() == 1);

    cluster.wanted.spec.spock_version = "5";
    CHECK(first_problem(choose_versions(cluster.wanted, nullptr, cluster.hosts))
              .starts_with("postgres_version: no PostgreSQL"));
}

TEST_CASE("the wanted Spock is chosen") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.wanted.spec.spock_version = "5";
    cluster.hosts["host-1"].versions = {version("17.11", "spock", "6.0.0"), version("17.10", "spock", "5.0.11"),
                                        version("18.6", "pglogical")};
    const auto chosen = choose_versions(cluster.wanted, nullptr, cluster.hosts);
    CHECK(chosen.by_instance.at(SmallCluster::kFirst).postgres == "17.10");
}

TEST_CASE("a minor that the packages have outgrown goes on with the newest of its major") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.wanted.spec.postgres_version = "15.17";
    const Database stored = cluster.wanted;
    CHECK(choose_versions(cluster.wanted, &stored, cluster.hosts).by_instance.at(SmallCluster::kFirst).postgres ==
          "15.18");
    cluster.wanted.spec.postgres_version = "15.16";
    CHECK(choose_versions(cluster.wanted, &stored, cluster.hosts).problems.size() == 1);
}
