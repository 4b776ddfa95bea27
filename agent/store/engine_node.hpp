#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

struct cowsql_node;

namespace pgedge {

/// A node of the replicated engine (cowsql) in this process, running from construction to stop(). It has threads of its
/// own; libuv's pool, which does its file work and calls connect(), takes its size from UV_THREADPOOL_SIZE when the
/// process starts: 16 is right. Rules: state-store.md §7.
class EngineNode {
public:
    /// The node that makes a new cluster has this id, and no other may: it would make one whenever its directory is
    /// empty.
    static constexpr std::uint64_t kFounder = 1;

    struct Options {
        std::uint64_t id = 0;
        std::string address;              ///< what other nodes call it: the host's id, resolved by `connect`
        std::filesystem::path directory;  ///< of the engine alone; must exist
        /// Gives a connected socket for an address and returns 0. Blocks an engine's thread: at most a second.
        int (*connect)(void* connect_data, const char* address, int* descriptor) = nullptr;
        void* connect_data = nullptr;
    };
    /// Throws Error{failed} with the engine's reason.
    explicit EngineNode(const Options& options);
    ~EngineNode();
    EngineNode(const EngineNode&) = delete;
    EngineNode& operator=(const EngineNode&) = delete;

    std::uint64_t id() const { return id_; }
    /// The abstract socket of the node, for WireConnection: "@…". Only this process may connect.
    const std::string& socket() const { return socket_; }
    /// Hands leadership to another voter, for at most a second, then stops. What `connect` needs must live until here.
    void stop();

private:
    struct Destroy {
        void operator()(cowsql_node* node) const;
    };
    std::uint64_t id_;
    std::unique_ptr<cowsql_node, Destroy> node_;
    std::string socket_;
    bool running_ = false;
};

/// A random id that no other node has, for every node but the founder.
std::uint64_t new_node_id();

}  // namespace pgedge
