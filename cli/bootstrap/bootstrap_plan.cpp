#include "cli/bootstrap/bootstrap_plan.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/json.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxProgram = std::size_t{1} << 30;
constexpr std::int64_t kLeastFreeKib = 1 << 20;  // a store, and a first instance with its WAL
constexpr auto kClocksApart = 30s;               // certificates and leases of hosts that differ more do not hold
constexpr auto kClocksDrift = 2s;
constexpr int kApiPort = 3000, kPeerPort = 2379, kStorePort = 2380;

// Databases are children of the agent's guards and run on when the agent ends: KillMode=process.
constexpr const char* kUnit = R"(# Written by pgedgectl cluster bootstrap.
[Unit]
Description=pgedge agent
Documentation=man:pgedge-agent(8)
After=network-online.target time-sync.target
Wants=network-online.target

[Service]
Type=notify
ExecStart=/usr/local/bin/pgedge-agent run -c /etc/pgedge/agent.json
KillMode=process
Restart=always
RestartSec=2
TimeoutStartSec=300
TimeoutStopSec=90
LimitNOFILE=65536
NoNewPrivileges=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectKernelLogs=yes
ProtectHostname=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
)";

// Where there is no systemd. $1: the data directory. Ends with the agent when it is told to; starts it again when it
// dies.
constexpr const char* kSupervisor = R"(#!/bin/sh
# Written by pgedgectl cluster bootstrap: keeps the agent running where there is no systemd.
data=$1
cd "$data" || exit 1
echo $$ >"$data/supervise.pid"
trap 'ended=1; kill -TERM "$agent" 2>/dev/null' TERM INT
trap '' HUP
while [ -z "$ended" ]; do
    /usr/local/bin/pgedge-agent run -c /etc/pgedge/agent.json >>"$data/agent.log" 2>&1 &
    agent=$!
    wait "$agent"
    [ -n "$ended" ] || sleep 2
done
wait "$agent"
rm -f "$data/supervise.pid"
)";

WantedFile wanted(std::string path, std::string content, int mode) {
    std::string digest = to_hex(sha256(content));
    return {std::move(path), std::move(content), std::move(digest), mode};
}

std::string config_of(const ClusterHostSpec& host) {
    const OrderedJson config{{"host_id", host.id},
                             {"data_dir", host.data_dir},
                             {"peer_addresses", OrderedJson::array({host.peer_address})},
                             {"client_addresses", OrderedJson::array({host.client_address})},
                             {"http", {{"bind_addr", "127.0.0.1"}}}};
    return config.dump(2) + "\n";
}

/// Byte 18 of an ELF file: its machine.
std::string arch_of(const std::string& program, const std::string& path) {
    constexpr std::size_t kMachine = 18;
    constexpr unsigned char kX86 = 62, kArm = 183;
    if (!program.starts_with("\x7f"
                             "ELF") ||
        program.size() <= kMachine)
        throw Error(ErrorKind::invalid_input, path + " is not a program");
    const auto machine = static_cast<unsigned char>(program[kMachine]);
    return machine == kX86 ? "x86_64" : machine == kArm ? "aarch64" : "another machine";
}

void check(const SurveyedHost& host, const Programs& programs, BootstrapPlan& plan) {
    const HostFacts& facts = host.facts;
    const auto refuse = [&](const std::string& text) { plan.problems.push_back(host.spec.id + ": " + text); };
    const auto warn = [&](const std::string& text) { plan.warnings.push_back(host.spec.id + ": " + text); };
    if (facts.kernel != "Linux") return refuse("it runs " + facts.kernel + "; Linux is needed");
    if (facts.arch != programs.arch)
        refuse(
            fmt::format("it is {}, and the agent that goes with this pgedgectl is for {}: use one built for {} "
                        "(--programs)",
                        facts.arch, programs.arch, facts.arch));
    if (!facts.os.starts_with("debian 12") && !facts.os.starts_with("debian 13"))
        warn("it runs " + (facts.os.empty() ? "an unknown system" : facts.os) + "; tested are Debian 12 and 13");
    if (facts.free_kib < kLeastFreeKib)
        refuse(fmt::format("{} MiB are free for {}; 1024 MiB are needed", facts.free_kib / 1024, host.spec.data_dir));
    if (std::chrono::abs(facts.ahead) > kClocksApart)
        refuse(fmt::format("its clock is {} s {} this machine's: set one of them right (timedatectl set-ntp true)",
                           std::abs(facts.ahead.count()) / 1000, facts.ahead > 0ms ? "ahead of" : "behind"));
    else if (std::chrono::abs(facts.ahead) > kClocksDrift)
        warn(fmt::format("its clock differs from this machine's by {} ms", std::abs(facts.ahead.count())));
    if (!facts.postgres_user)
        refuse("there is no user postgres, who runs the servers: apt-get install postgresql-common");
    if (facts.postgres.empty())
        warn("PostgreSQL is not installed: apt-get install postgresql-15 postgresql-15-pglogical, before databases");
    if (!facts.pgbackrest) warn("pgbackrest is not installed, which backups need");
    if (!facts.systemd) warn("there is no systemd: a script keeps the agent running, and nothing starts it at boot");
    if (!facts.agent_runs)
        for (const int port : {kApiPort, kPeerPort, kStorePort})
            if (facts.ports.contains(port)) refuse(fmt::format("port {} is taken by another program", port));
    if (!host.cluster_id.empty() && host.cluster_id != plan.cluster_id)
        refuse("it belongs to cluster " + host.cluster_id + " already");
}

}  // namespace

Programs read_programs(const std::filesystem::path& directory) {
    const auto read = [&](const char* name) {
        const auto path = directory / name;
        try {
            return wanted(std::string(kProgramsDir) + "/" + name, read_file(path, kMaxProgram), 0755);
        } catch (const Error& error) {
            throw Error(error.kind(), "the program that hosts need cannot be read: " + error.text(),
                        "name the directory with pgedge-agent and pgedge-guard: --programs DIR");
        }
    };
    Programs programs{read("pgedge-agent"), read("pgedge-guard"), ""};
    programs.arch = arch_of(programs.agent.content, (directory / "pgedge-agent").string());
    return programs;
}

std::vector<std::string> HostPlan::steps() const {
    std::vector<std::string> all;
    for (const auto& file : files) all.push_back("write " + file.path);
    const std::string how = systemd ? " (systemd)" : " (without systemd)";
    if (start) all.push_back("start the agent" + how);
    if (restart) all.push_back("restart the agent" + how + "; databases run on");
    if (membership == Membership::init) all.emplace_back("begin the cluster");
    if (membership == Membership::join) all.emplace_back("join the cluster");
    return all;
}

bool BootstrapPlan::nothing() const {
    return std::all_of(hosts.begin(), hosts.end(), [](const auto& host) { return host.nothing(); });
}

BootstrapPlan plan_bootstrap(const ClusterDocument& cluster, const std::vector<SurveyedHost>& hosts,
                             const Programs& programs) {
    BootstrapPlan plan;
    plan.cluster_id = cluster.id;
    bool begun =
        std::any_of(hosts.begin(), hosts.end(), [&](const auto& host) { return host.cluster_id == cluster.id; });
    for (const auto& host : hosts) {
        check(host, programs, plan);
        HostPlan wanted_host;
        wanted_host.spec = host.spec;
        wanted_host.systemd = host.facts.systemd;
        const auto want = [&](WantedFile file) {
            const auto there = host.facts.digests.find(file.path);
            if (there == host.facts.digests.end() || there->second != file.sha256)
                wanted_host.files.push_back(std::move(file));
        };
        want(programs.guard);
        want(programs.agent);
        want(wanted(kAgentConfig, config_of(host.spec), 0644));
        if (host.facts.systemd)
            want(wanted(kAgentUnit, kUnit, 0644));
        else
            want(wanted(host.spec.data_dir + "/supervise", kSupervisor, 0755));
        wanted_host.start = !host.facts.agent_runs;
        wanted_host.restart = host.facts.agent_runs && !wanted_host.files.empty();
        if (host.cluster_id.empty()) {
            wanted_host.membership = begun ? Membership::join : Membership::init;
            begun = true;
        }
        plan.hosts.push_back(std::move(wanted_host));
    }
    return plan;
}

}  // namespace pgedge
