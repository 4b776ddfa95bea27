#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "agent/store/address_book.hpp"
#include "agent/store/disk_room.hpp"
#include "agent/store/raft/raft_engine.hpp"
#include "agent/store/raft/raft_tls.hpp"
#include "agent/store/state/live_state.hpp"
#include "agent/store/store_directory.hpp"
#include "common/base/limit.hpp"

namespace pgedge {

/// This host's member of the store: its directory, its state, its engine and its TLS connections, running from
/// construction to stop(). Safe from any thread.
class LocalNode {
public:
    struct Options {
        std::filesystem::path directory;
        std::string host_id;
        std::string address;  ///< numeric, where other agents reach the Raft listener
        int port = 2380;
        KeyPair own;
        std::string authorities;
        std::filesystem::path promises;  ///< file of what this node promised
        Promise told{};                  ///< what the others know of it
        Witness* witness = nullptr;      ///< what this node knows of the others
    };
    enum class Start {
        found,   ///< the first host of a new cluster; on a directory without identity
        join,    ///< a host that a running cluster will add; on a directory without identity
        resume,  ///< what was founded or joined before
    };
    using Conflict = std::function<void(const std::string&)>;
    /// Called from threads of the state and of the engine.
    struct Hooks {
        LiveState::Told told;
        RaftEngine::Changed changed;
        Conflict conflict;
    };
    /// `cluster_id` and `node_id` are given for found and join; the founder's node id is RaftEngine::kFounder.
    LocalNode(const Options& options, Start start, const StoreIdentity& identity, const AddressBook& addresses,
              ChangeFeed& feed, Hooks hooks, const Log& log);
    ~LocalNode();
    LocalNode(const LocalNode&) = delete;
    LocalNode& operator=(const LocalNode&) = delete;

    std::uint64_t id() const { return identity_.node_id; }
    const StoreIdentity& identity() const { return identity_; }
    const StoreDirectory& directory() const { return directory_; }
    RaftTls& tls() { return *tls_; }
    RaftEngine& engine() { return *engine_; }
    LiveState& state() { return *state_; }
    DiskRoom& disk_room() { return disk_room_; }

    /// True when this member gets all changes, and its file has a schema and all that it had before this start: it can
    /// be read.
    bool has_data() const;
    /// From now on the log must be there when the agent starts, if this member has one.
    void hold_to_data();
    /// Hands leadership on, then stops everything.
    void stop();

private:
    StoreDirectory directory_;
    StoreIdentity identity_;
    DiskRoom disk_room_;
    std::unique_ptr<RaftTls> tls_;
    std::unique_ptr<LiveState> state_;
    std::unique_ptr<RaftEngine> engine_;
    std::atomic<bool> held_{false};
};

}  // namespace pgedge
