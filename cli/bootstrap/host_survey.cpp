#include "cli/bootstrap/host_survey.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// A line for each fact: its name, a blank, its value. $1: the data directory; $2 …: files to compare.
constexpr const char* kSurvey = R"sh(
data=$1; shift
. /etc/os-release 2>/dev/null && echo "os ${ID:-unknown} ${VERSION_ID:-}"
echo "arch $(uname -m)"
echo "kernel $(uname -s)"
echo "time $(date +%s.%N)"
at=$data; while [ ! -d "$at" ]; do at=$(dirname "$at"); done
df -Pk "$at" | { read -r _; read -r _ _ _ free _; echo "free_kib $free"; }
for server in /usr/lib/postgresql/*/bin/postgres; do
    [ -x "$server" ] && "$server" --version | { read -r _ _ version _; echo "postgres $version"; }
done
command -v pgbackrest >/dev/null 2>&1 && echo "pgbackrest yes"
[ -S /run/docker.sock ] && echo "docker yes"
[ -d /run/systemd/system ] && echo "systemd yes"
id -u postgres >/dev/null 2>&1 && echo "postgres_user yes"
for net in /proc/net/tcp /proc/net/tcp6; do
    [ -r "$net" ] || continue
    while read -r _ local _ state _; do
        [ "$state" = 0A ] && echo "port $((0x${local##*:}))"
    done <"$net"
done
for file in "$@"; do
    [ -f "$file" ] && echo "digest $(sha256sum <"$file" | cut -c1-64) $file"
done
grep -qF " $data/run/agent.sock" /proc/net/unix && echo "agent_runs yes"
exit 0
)sh";

std::string quoted(const std::string& word) {
    std::string out = "'";
    for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

}  // namespace

std::string as_root(const std::string& script, const std::vector<std::string>& words) {
    std::string rest = " -c " + quoted(script) + " sh";
    for (const auto& word : words) rest += " " + quoted(word);
    return "as=; [ \"$(id -u)\" = 0 ] || as='sudo -n'; $as sh" + rest;
}

std::string run_as_root(RemoteHost& host, const std::string& script, const std::vector<std::string>& words,
                        std::string_view input, const Limit& limit) {
    const RemoteResult result = run(host, as_root(script, words), input, limit);
    if (result.exit_code == 0) return result.output;
    const std::string said = shortened(trimmed(result.errors.empty() ? result.output : result.errors), 500);
    if (said.find("sudo:") != std::string::npos)
        throw Error(ErrorKind::denied, host.user() + " may not become root on " + host.name() + ": " + said,
                    "log in as root, or let " + host.user() + " use sudo without a password");
    throw Error(ErrorKind::failed, "a command on " + host.name() + " failed: " +
                                       (said.empty() ? "exit code " + std::to_string(result.exit_code) : said));
}

HostFacts read_survey(const std::string& printed, std::chrono::system_clock::time_point now) {
    HostFacts facts;
    for (const auto& line : split(printed, '\n')) {
        const auto blank = line.find(' ');
        if (blank == std::string::npos) continue;
        const std::string name = line.substr(0, blank), value(trimmed(line.substr(blank)));
        if (name == "os") facts.os = value;
        if (name == "arch") facts.arch = value;
        if (name == "kernel") facts.kernel = value;
        if (name == "free_kib") facts.free_kib = std::atoll(value.c_str());
        if (name == "postgres") facts.postgres.push_back(value);
        if (name == "pgbackrest") facts.pgbackrest = true;
        if (name == "docker") facts.docker = true;
        if (name == "systemd") facts.systemd = true;
        if (name == "postgres_user") facts.postgres_user = true;
        if (name == "port") facts.ports.insert(std::atoi(value.c_str()));
        if (name == "agent_runs") facts.agent_runs = true;
        if (name == "time") {
            const double theirs = std::strtod(value.c_str(), nullptr);
            const double ours = std::chrono::duration<double>(now.time_since_epoch()).count();
            facts.ahead = std::chrono::milliseconds(std::llround((theirs - ours) * 1000));
        }
        constexpr std::size_t kHex = 64;
        if (name == "digest" && value.size() > kHex + 1) facts.digests[value.substr(kHex + 1)] = value.substr(0, kHex);
    }
    return facts;
}

HostFacts survey(RemoteHost& host, const ClusterHostSpec& wanted, const Limit& limit) {
    const std::string programs = kProgramsDir;
    const auto began = std::chrono::system_clock::now();
    const std::string printed = run_as_root(host, kSurvey,
                                            {wanted.data_dir, programs + "/pgedge-agent", programs + "/pgedge-guard",
                                             kAgentConfig, kAgentUnit, wanted.data_dir + "/supervise"},
                                            "", limit);
    const auto ended = std::chrono::system_clock::now();
    HostFacts facts = read_survey(printed, began + (ended - began) / 2);
    if (facts.kernel.empty())
        throw Error(ErrorKind::failed, host.name() + " does not tell what it is: " + shortened(trimmed(printed), 200));
    return facts;
}

}  // namespace pgedge
