#include "agent/cluster/host_facts.hpp"

#include <doctest/doctest.h>

#include "common/base/file.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;
using namespace std::chrono_literals;
using pgedge::testing::TemporaryDirectory;

namespace {

struct Machine {
    TemporaryDirectory root;
    FactSources sources{
        root.path(), {(root.path() / "lib/*/bin").string()}, {(root.path() / "share/%v/extension").string()}};

    void file(const std::string& path, const std::string& text, mode_t mode = 0644) const {
        const auto full = root.path() / path;
        make_directory(full.parent_path());
        write_file(full, text, mode);
    }
    void server(const std::string& major, const std::string& version) const {
        file("lib/" + major + "/bin/postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + " (Debian)'\n",
             0755);
    }
    void extension(const std::string& major, const std::string& name, const std::string& version) const {
        file("share/" + major + "/extension/" + name + ".control",
             "comment = 'x'\ndefault_version = '" + version + "'\n");
    }
};

}  // namespace

TEST_CASE("without control groups a host has what its machine has") {
    const Machine machine;
    CHECK(usable_cpus(machine.sources) >= 1);
    CHECK(usable_memory(machine.sources) > 64 << 20);
}

TEST_CASE("the tightest control group counts, inner or outer") {
    const Machine machine;
    machine.file("proc/self/cgroup", "12:cpu:/old\n0::/system.slice/agent.service\n");
    machine.file("sys/fs/cgroup/system.slice/agent.service/memory.max", "max\n");
    machine.file("sys/fs/cgroup/system.slice/memory.max", "50000000\n");
    machine.file("sys/fs/cgroup/system.slice/agent.service/cpu.max", "50000 100000\n");
    machine.file("sys/fs/cgroup/system.slice/cpu.max", "max 100000\n");

    CHECK(usable_memory(machine.sources) == 50'000'000);
    CHECK(usable_cpus(machine.sources) == 1);
}

TEST_CASE("control files that say nothing sensible are passed over") {
    const Machine machine;
    machine.file("proc/self/cgroup", "0::/../../x\n");
    machine.file("sys/fs/cgroup/memory.max", "lots");
    machine.file("sys/fs/cgroup/cpu.max", "1");
    CHECK(usable_memory(machine.sources) > 64 << 20);
    CHECK(usable_cpus(machine.sources) >= 1);
}

TEST_CASE("servers with a replication extension are offered, greatest first, Spock before pglogical") {
    const Machine machine;
    machine.server("15", "15.18");
    machine.extension("15", "pglogical", "2.4.2");
    machine.server("17", "17.6");
    machine.extension("17", "pglogical", "2.4.5");
    machine.extension("17", "spock", "5.0.4");
    machine.server("16", "16.10");              // no extension
    machine.extension("18", "spock", "5.0.4");  // no server
    machine.file("lib/14/bin/postgres", "#!/bin/sh\nexit 1\n", 0755);
    machine.extension("14", "spock", "5.0.4");

    const auto found = postgres_installations(machine.sources, Limit(20s));
    const auto versions = usable_versions(found);

    REQUIRE(found.size() == 3);
    CHECK(found[0].extensions == std::map<std::string, std::string>{{"pglogical", "2.4.5"}, {"spock", "5.0.4"}});
    CHECK(found[1] == PostgresInstallation{"16.10", (machine.root.path() / "lib/16/bin").string(), {}});
    REQUIRE(versions.size() == 2);
    CHECK(versions[0] == PostgresVersion{"17.6", "spock", "5.0.4", (machine.root.path() / "lib/17/bin").string()});
    CHECK(versions[1] == PostgresVersion{"15.18", "pglogical", "2.4.2", (machine.root.path() / "lib/15/bin").string()});
}

TEST_CASE("a host without PostgreSQL offers none") {
    CHECK(postgres_installations(Machine().sources, Limit(20s)).empty());
}

TEST_CASE("servers are found in any directory that is named, each once, with the extensions of their own") {
    Machine machine;
    machine.server("15", "15.18");
    machine.extension("15", "pglogical", "2.4.2");
    machine.file("opt/pg18/bin/postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 18.6'\n", 0755);
    machine.file("opt/pg18/share/extension/spock.control", "default_version = '5.0.11'\n");
    machine.file("opt/pg17/bin/postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 17.11'\n", 0755);
    const std::string elsewhere = (machine.root.path() / "elsewhere").string();
    machine.file("opt/pg17/bin/pg_config", "#!/bin/sh\necho " + elsewhere + "\n", 0755);
    machine.file("elsewhere/extension/spock.control", "default_version = '6.0.0'\n");
    machine.file("opt/pg17/share/extension/pglogical.control", "default_version = '1'\n");
    machine.sources.bin_dirs = {(machine.root.path() / "opt/pg18/bin").string(),
                                (machine.root.path() / "opt/*/bin").string(), "/no/such/place"};
    machine.sources.extensions = FactSources().extensions;

    const auto found = postgres_installations(machine.sources, Limit(20s));

    REQUIRE(found.size() == 2);
    CHECK(found[0] ==
          PostgresInstallation{"18.6", (machine.root.path() / "opt/pg18/bin").string(), {{"spock", "5.0.11"}}});
    CHECK(found[1] ==
          PostgresInstallation{"17.11", (machine.root.path() / "opt/pg17/bin").string(), {{"spock", "6.0.0"}}});
}
