#include "cli/bootstrap/bootstrap_plan.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr const char* kTwoHosts = R"(apiVersion: pgedge/v1
kind: Cluster
id: prod
spec:
  hosts:
    - {id: host-1, address: 192.0.2.1, ssh_user: root}
    - {id: host-2, address: two.example, peer_address: 192.0.2.2, ssh_port: 2222}
)";

std::string cluster_problems(const std::string& from, const std::string& to) {
    std::string text = kTwoHosts;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    try {
        load_cluster_text(text, "c.yaml");
        return "none";
    } catch (const Error& error) {
        return error.text();
    }
}

HostFacts good_facts() {
    HostFacts facts;
    facts.os = "debian 12";
    facts.arch = "x86_64";
    facts.kernel = "Linux";
    facts.free_kib = 10 << 20;
    facts.postgres = {"15.20"};
    facts.pgbackrest = facts.systemd = facts.postgres_user = true;
    return facts;
}

struct Planned {
    ClusterDocument cluster = load_cluster_text(kTwoHosts, "c.yaml");
    Programs programs{{"/usr/local/bin/pgedge-agent", "agent", "a1", 0755},
                      {"/usr/local/bin/pgedge-guard", "guard", "b2", 0755},
                      "x86_64"};
    std::vector<SurveyedHost> hosts{{cluster.hosts[0], good_facts(), ""}, {cluster.hosts[1], good_facts(), ""}};

    BootstrapPlan plan() const { return plan_bootstrap(cluster, hosts, programs); }
    /// As if a plan had been carried out.
    void carry_out() {
        const BootstrapPlan done = plan();
        for (std::size_t i = 0; i < hosts.size(); ++i) {
            for (const auto& file : done.hosts[i].files) hosts[i].facts.digests[file.path] = file.sha256;
            hosts[i].facts.agent_runs = true;
            hosts[i].facts.ports = {3000, 2379, 2380};
            hosts[i].cluster_id = "prod";
        }
    }
};

}  // namespace

TEST_CASE("a cluster document is read, completed and refused with places") {
    const ClusterDocument cluster = load_cluster_text(kTwoHosts, "c.yaml");
    CHECK(cluster.id == "prod");
    CHECK(cluster.hosts.at(0).peer_address == "192.0.2.1");
    CHECK(cluster.hosts.at(0).data_dir == "/var/lib/pgedge");
    CHECK(cluster.hosts.at(1).client_address == "192.0.2.2");
    CHECK(cluster.hosts.at(1).ssh_port == 2222);
    CHECK(cluster_problems("ssh_user", "sshuser").find("c.yaml:6:40") != std::string::npos);
    CHECK(cluster_problems("ssh_user", "sshuser").find("did you mean \"ssh_user\"?") != std::string::npos);
    CHECK(cluster_problems("id: host-2", "id: host-1").find("has \"host-1\" already") != std::string::npos);
    CHECK(cluster_problems("192.0.2.2", "two").find("must be an IP address") != std::string::npos);
    CHECK(cluster_problems(", peer_address: 192.0.2.2", "").find("add peer_address") != std::string::npos);
    CHECK(cluster_problems("two.example", "-oProxyCommand=x").find("must be a host name") != std::string::npos);
    CHECK(cluster_problems("2222", "0").find("between 1 and 65535") != std::string::npos);
    CHECK(cluster_problems("ssh_user: root", "data_dir: \"/a'b\"").find("must be an absolute path") !=
          std::string::npos);
    CHECK(cluster_problems("kind: Cluster", "kind: Database").find("kind") != std::string::npos);
    CHECK(cluster_problems("id: prod\n", "").find("id: is required") != std::string::npos);
}

TEST_CASE("the first of bare hosts begins the cluster, and afterwards there is nothing to do") {
    Planned bare;
    const BootstrapPlan plan = bare.plan();
    CHECK(plan.problems.empty());
    CHECK(plan.hosts.at(0).membership == Membership::init);
    CHECK(plan.hosts.at(1).membership == Membership::join);
    CHECK(plan.hosts.at(0).files.size() == 4);
    CHECK(plan.hosts.at(0).start);
    bare.carry_out();
    CHECK(bare.plan().problems.empty());
    CHECK(bare.plan().nothing());

    bare.programs.agent.sha256 = "c3";  // a newer agent
    CHECK(bare.plan().hosts.at(1).restart);
    CHECK(bare.plan().hosts.at(1).files.size() == 1);
    bare.hosts.at(0).cluster_id.clear();  // lost its data: the other one has the cluster
    CHECK(bare.plan().hosts.at(0).membership == Membership::join);
}

TEST_CASE("what cannot be a host is told by name") {
    Planned wrong;
    HostFacts& facts = wrong.hosts.at(1).facts;
    std::string said;
    SUBCASE("architecture") { facts.arch = "aarch64", said = "it is aarch64"; }
    SUBCASE("disk") { facts.free_kib = 100 << 10, said = "100 MiB are free"; }
    SUBCASE("clock") { facts.ahead = -5min, said = "its clock is 300 s behind"; }
    SUBCASE("port") { facts.ports = {2379}, said = "port 2379 is taken"; }
    SUBCASE("user") { facts.postgres_user = false, said = "there is no user postgres"; }
    SUBCASE("system") { facts.kernel = "FreeBSD", said = "Linux is needed"; }
    SUBCASE("cluster") { wrong.hosts.at(1).cluster_id = "test", said = "it belongs to cluster test"; }
    CAPTURE(said);
    const auto problems = wrong.plan().problems;
    REQUIRE(problems.size() == 1);
    CHECK(problems.at(0).starts_with("host-2: "));
    CHECK(problems.at(0).find(said) != std::string::npos);
}

TEST_CASE("what the survey prints") {
    const auto now = std::chrono::system_clock::time_point(1'000s);
    const HostFacts facts = read_survey(
        "os debian 12\narch x86_64\nkernel Linux\ntime 1002.500\nfree_kib 42\npostgres 15.20\npostgres 17.1\n"
        "systemd yes\nport 22\nport 3000\nagent_runs yes\ndigest " +
            std::string(64, 'a') + " /usr/local/bin/pgedge-agent\nnoise\n",
        now);
    CHECK(facts.os == "debian 12");
    CHECK(facts.ahead == 2500ms);
    CHECK(facts.free_kib == 42);
    CHECK(facts.postgres == std::vector<std::string>{"15.20", "17.1"});
    CHECK(facts.ports == std::set<int>{22, 3000});
    CHECK(facts.systemd);
    CHECK(facts.agent_runs);
    CHECK_FALSE(facts.docker);
    CHECK(facts.digests.at("/usr/local/bin/pgedge-agent") == std::string(64, 'a'));
}

}  // namespace pgedge
