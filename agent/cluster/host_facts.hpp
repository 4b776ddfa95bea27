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
    /// Each holds one directory per major version with `bin/postgres` in it: Debian's layout.
    std::vector<std::filesystem::path> postgres{"/usr/lib/postgresql"};
    /// Where extensions' control files are, %v being the major version.
    std::vector<std::string> extensions{"/usr/share/postgresql/%v/extension"};
};

/// CPUs this process may use: those of its affinity, or fewer when a control group gives it less time (rounded up).
int usable_cpus(const FactSources& sources = {});
/// Memory of the machine, or of the control groups around this process if that is less.
std::int64_t usable_memory(const FactSources& sources = {});
/// The PostgreSQL installations that have a replication extension, greatest first; Spock is preferred where both are.
/// Runs each server with --version; one that does not answer within the limit is left out.
std::vector<PostgresVersion> installed_versions(const FactSources& sources, const Limit& limit);

/// Adds what can be found out to what is configured: CPUs, memory, versions.
Host with_facts(Host configured, const Limit& limit, const FactSources& sources = {});

}  // namespace pgedge
