#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/ssh/remote_host.hpp"
#include "common/spec/cluster_spec.hpp"

namespace pgedge {

/// Where things are put on a host.
inline constexpr const char* kProgramsDir = "/usr/local/bin";
inline constexpr const char* kAgentConfig = "/etc/pgedge/agent.json";
inline constexpr const char* kAgentUnit = "/etc/systemd/system/pgedge-agent.service";

/// What a machine is like, before anything is changed there.
struct HostFacts {
    std::string os, arch, kernel;        ///< "debian 12", "x86_64", "Linux"
    std::int64_t free_kib = 0;           ///< where the data directory is, or will be
    std::chrono::milliseconds ahead{0};  ///< its clock against ours
    std::vector<std::string> postgres;   ///< versions, "15.20"
    bool pgbackrest = false, docker = false, systemd = false, postgres_user = false;
    std::set<int> ports;                         ///< that somebody listens on
    std::map<std::string, std::string> digests;  ///< SHA-256 of the files of ours that are there, by path
    bool agent_runs = false;
};

/// A command for the host's login shell that runs `script` with `words` as $1, $2 … as root: by sudo when another user
/// has logged in. The script's standard input is the command's.
std::string as_root(const std::string& script, const std::vector<std::string>& words);
/// Runs it. Throws Error{denied} when sudo is needed and refused, {failed} with what it printed; all name the host.
std::string run_as_root(RemoteHost& host, const std::string& script, const std::vector<std::string>& words,
                        std::string_view input, const Limit& limit);

/// Looks at a host in one round trip. Changes nothing there.
HostFacts survey(RemoteHost& host, const ClusterHostSpec& wanted, const Limit& limit);
/// The same from what the script printed, `now` being our time when it asked for that host's.
HostFacts read_survey(const std::string& printed, std::chrono::system_clock::time_point now);

}  // namespace pgedge
