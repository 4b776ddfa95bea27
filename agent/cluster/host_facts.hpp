#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "common/base/limit.hpp"
#include "common/model/host.hpp"

namespace pgedge {

/// Where facts are read from; another root in tests.
struct FactSources {
    std::filesystem::path root = "/";  ///< below it /proc and /sys
    /// Directories with a `postgres` in them; * stands for any one part of a name.
    std::vector<std::string> bin_dirs{"/usr/lib/postgresql/*/bin"};
    /// Where extensions' control files are when there is no pg_config beside the server to ask: %v is the major
    /// version, %p the directory above the programs.
    std::vector<std::string> extensions{"%p/share/extension", "%p/share/postgresql/extension",
                                        "/usr/share/postgresql/%v/extension"};
};

/// CPUs this process may use: those of its affinity, or fewer when a control group gives it less time (rounded up).
int usable_cpus(const FactSources& sources = {});
/// Memory of the machine, or of the control groups around this process if that is less.
std::int64_t usable_memory(const FactSources& sources = {});
/// The PostgreSQL installations there are, greatest first. Runs each server with --version; one that does not answer
/// within the limit is left out.
std::vector<PostgresInstallation> postgres_installations(const FactSources& sources, const Limit& limit);
/// Those that have a replication extension; Spock is preferred where both are.
std::vector<PostgresVersion> usable_versions(const std::vector<PostgresInstallation>& installations);

/// Adds what can be found out to what is configured: CPUs, memory, versions.
Host with_facts(Host configured, const Limit& limit, const FactSources& sources = {});

}  // namespace pgedge
