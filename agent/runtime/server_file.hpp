#pragma once

#include <optional>
#include <vector>

#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// What the agent remembers of a server beside it on disk, so that it can be kept up without the store.
struct ServerRecord {
    ServerSpec spec;
    bool up = false;  ///< keep it up; else keep it down
    ServerRole role = ServerRole::single;
    std::string owner{};  ///< see StartAs
    bool operator==(const ServerRecord&) const = default;
};

/// Atomic, also across a crash.
void save_record(const ServerRecord& record);
void erase_record(const InstancePaths& paths);
/// nullopt when there is none. Throws Error{failed} when there is one that cannot be read.
std::optional<ServerRecord> load_record(const InstancePaths& paths);
/// The ids of all instances below `data_dir` that have a record.
std::vector<std::string> recorded_instances(const std::filesystem::path& data_dir);

}  // namespace pgedge
