#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "agent/store/raft/promises.hpp"
#include "agent/store/store_directory.hpp"

namespace pgedge {

/// The folder `store-record/` beside the store: what a host has to know when its store is lost or old. `promises` is
/// what it promised, `peers.json` where the other agents are, `witness.json` what it knows of their promises,
/// `identity.json` who it is. For one thread, except where said.
class StoreRecord {
public:
    struct Identity {
        StoreIdentity store;
        /// It has given up its node, and asks the cluster to be taken back under the id that stands here. This one has
        /// promised nothing yet.
        bool returning = false;
    };
    /// Of the store in `store_directory`. Makes the folder (0700) if need be.
    explicit StoreRecord(const std::filesystem::path& store_directory);
    /// Where it is.
    static std::filesystem::path beside(const std::filesystem::path& store_directory);

    std::filesystem::path promises() const { return path_ / "promises"; }
    std::filesystem::path peers() const { return path_ / "peers.json"; }
    const std::filesystem::path& path() const { return path_; }

    /// nullopt: there is none, or it cannot be read.
    std::optional<Identity> identity() const;
    void set_identity(const StoreIdentity& identity, bool returning) const;
    /// For a host that begins anew: nothing was promised.
    void forget_promises() const;

    void load(Witness& witness) const;
    /// Writes what is new. Throws Error{failed}.
    void save(Witness& witness) const;

private:
    const std::filesystem::path path_;
};

}  // namespace pgedge
