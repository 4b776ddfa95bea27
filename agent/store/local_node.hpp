#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "agent/store/address_book.hpp"
#include "agent/store/engine_node.hpp"
#include "agent/store/raft_tls.hpp"
#include "agent/store/store_directory.hpp"
#include "agent/store/wire.hpp"
#include "common/base/limit.hpp"

namespace pgedge {

/// This host's node of the replicated engine with its directory and its TLS connections, running from construction to
/// stop(). Calls are safe from any thread and take at most seconds.
class LocalNode {
public:
    struct Options {
        std::filesystem::path directory;
        std::string host_id;
        std::string address;  ///< numeric, where other agents reach the Raft listener
        int port = 2380;
        KeyPair own;
        std::string authorities;
    };
    enum class Start {
        found,   ///< the first host of a new cluster; on a directory without identity
        join,    ///< a host that a running cluster will add; on a directory without identity
        resume,  ///< what was founded or joined before
    };
    /// `cluster_id` and `node_id` are given for found and join; the founder's node id is EngineNode::kFounder.
    LocalNode(const Options& options, Start start, const StoreIdentity& identity, const AddressBook& addresses,
              Log log);
    ~LocalNode();
    LocalNode(const LocalNode&) = delete;
    LocalNode& operator=(const LocalNode&) = delete;

    std::uint64_t id() const { return identity_.node_id; }
    const StoreIdentity& identity() const { return identity_; }
    const StoreDirectory& directory() const { return directory_; }
    void hold_to_data() { directory_.hold_to_data(); }
    const std::string& socket() const { return node_->socket(); }
    RaftTls& tls() { return *tls_; }

    /// Who leads, as far as this node knows; id 0 when it does not know, or has no vote; nullopt when the node is too
    /// busy to answer within a second, which says nothing about leadership.
    std::optional<NodeInfo> leader();
    /// Runs a query here: fresh on the leader only. Throws SqliteError when this node does not lead.
    Rows read(const Statement& query, const Limit& limit);
    /// The database as this node has it, also without a leader. Throws when it has none.
    WireConnection::Dump dump();
    /// Stops the engine (leadership is handed on first), then the connections.
    void stop();

private:
    /// A connection that several threads use, one at a time; made anew after a failure.
    struct Shared {
        std::mutex mutex;
        std::unique_ptr<WireConnection> connection;
    };
    static constexpr std::size_t kReaders = 2;

    StoreDirectory directory_;
    StoreIdentity identity_;
    std::unique_ptr<RaftTls> tls_;
    std::unique_ptr<EngineNode> node_;
    Shared asking_;
    std::array<Shared, kReaders> reading_;
    std::atomic<std::size_t> next_reader_{0};
};

}  // namespace pgedge
