#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/bootstrap/host_survey.hpp"

namespace pgedge {

/// A file as it shall be on a host.
struct WantedFile {
    std::string path, content, sha256;
    int mode = 0644;
};

/// The agent's programs on this machine, which are put on the hosts.
struct Programs {
    WantedFile agent, guard;
    std::string arch;  ///< that they are built for, as uname -m has it
};
/// Reads both from one directory. Throws Error{not_found} naming it, {invalid_input} for what is no program.
Programs read_programs(const std::filesystem::path& directory);

/// What is known of a host when the plan is made.
struct SurveyedHost {
    ClusterHostSpec spec;
    HostFacts facts;
    std::string cluster_id;  ///< of its running agent; empty: it belongs to none, or does not run
};

enum class Membership { already, init, join };

/// What is done on one host.
struct HostPlan {
    ClusterHostSpec spec;
    bool systemd = false;
    std::vector<WantedFile> files;  ///< that are missing or differ
    bool start = false, restart = false;
    Membership membership = Membership::already;
    bool nothing() const { return files.empty() && !start && !restart && membership == Membership::already; }
    std::vector<std::string> steps() const;  ///< for people
};

struct BootstrapPlan {
    std::string cluster_id;
    std::vector<HostPlan> hosts;
    std::vector<std::string> problems;  ///< why it cannot be; each names its host
    std::vector<std::string> warnings;
    bool nothing() const;
};

/// Pure. The first host begins the cluster unless one of them belongs to it already.
BootstrapPlan plan_bootstrap(const ClusterDocument& cluster, const std::vector<SurveyedHost>& hosts,
                             const Programs& programs);

}  // namespace pgedge
