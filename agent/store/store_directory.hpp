#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "common/base/file.hpp"
#include "common/base/json.hpp"

namespace pgedge {

/// Who this host is in the cluster's store. Written beside the engine's directory, so that a lost directory is noticed.
struct StoreIdentity {
    std::string cluster_id, host_id;
    std::uint64_t node_id = 0;
    bool operator==(const StoreIdentity&) const = default;
};
/// As files have it. The second throws when something is missing or of another kind.
Json to_json(const StoreIdentity& identity);
StoreIdentity store_identity_from_json(const Json& stored);

/// The folder of the store on this host: `identity.json`, `raft/` with the log, `state.db`, live, and its hourly copies
/// in `copies/`. One process at a time: holds a lock as long as it lives.
class StoreDirectory {
public:
    /// Makes the folder (0700) if need be. Throws Error{conflict} when another process has it.
    explicit StoreDirectory(std::filesystem::path path);

    /// nullopt: this host belongs to no cluster. Throws Error{failed} when the engine's data was there and is gone:
    /// such a node would forget what it promised, or make a cluster of its own.
    std::optional<StoreIdentity> identity() const;
    /// Removes what an init or a join that was cut off may have left behind. Only without an identity.
    void clear_engine();
    void set_identity(const StoreIdentity& identity);
    /// From now on the engine's data must be there, if there is some now: a spare gets none until it is needed.
    void hold_to_data();

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path engine() const { return path_ / "raft"; }
    std::filesystem::path state() const { return path_ / "state.db"; }
    std::filesystem::path copies() const { return path_ / "copies"; }
    /// False when the folder, or the engine's data in it, was deleted or replaced since this was made.
    bool still_there() const;
    /// True when `directory` holds an identity, without opening it.
    static bool has_identity(const std::filesystem::path& directory);
    /// True when the engine has written there: a node that has not, never voted and never confirmed a write.
    static bool has_engine_data(const std::filesystem::path& directory);

private:
    std::filesystem::path path_;
    Fd lock_;
};

}  // namespace pgedge
