#include "agent/store/engine_node.hpp"

#include <bit>
#include <string_view>

extern "C" {  // the header does not say so itself
#include <cowsql.h>
struct raft;
}
#include <dlfcn.h>
#include <fmt/format.h>
#include <openssl/rand.h>

#include "agent/store/wire.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// Log entries between two snapshots, and kept after one: they are cached in memory. The engine wants both alike.
constexpr unsigned kSnapshotEvery = 64, kLogKept = 64;
/// One way between hosts; others elect a leader after 15 to 30 times as long without a word of it: 0.7 to 1.35 s. A
/// lease of 4 s bears no more. Heartbeats are most of what an agent at rest does.
constexpr unsigned kLatencyMs = 45;
/// A heartbeat is 6 latencies instead of 1.5: 2.5 of them, not 10, in the shortest time of an election; one may be
/// lost.
constexpr unsigned kCalmer = 4;
constexpr std::chrono::milliseconds kTransferLimit{1000};

}  // namespace

/// Comes before libraft's function of this name. The engine calls it with the heartbeat that follows from its latency
/// and has no setting for it; so many messages would be most of what an idle agent does, and fewer tell as well who
/// leads: connections lose none.
extern "C" void raft_set_heartbeat_timeout(raft* engine, const unsigned milliseconds) {
    using Setter = void (*)(raft*, unsigned);
    static const auto set = reinterpret_cast<Setter>(::dlsym(RTLD_NEXT, "raft_set_heartbeat_timeout"));
    set(engine, milliseconds * kCalmer);
}

void EngineNode::Destroy::operator()(cowsql_node* node) const { cowsql_node_destroy(node); }

EngineNode::EngineNode(const Options& options) : id_(options.id) {
    cowsql_node* made = nullptr;
    const int created = cowsql_node_create(options.id, options.address.c_str(), options.directory.c_str(), &made);
    node_.reset(made);
    const auto require = [&](int result, std::string_view what) {
        if (result == 0) return;
        throw Error(ErrorKind::failed, fmt::format("the store cannot {} in {}: {}", what, options.directory.string(),
                                                   node_ ? cowsql_node_errmsg(node_.get()) : "out of memory"));
    };
    require(created, "make a node");
    require(cowsql_node_set_bind_address(made, "@"), "choose a socket");
    require(cowsql_node_set_connect_func(made, options.connect, options.connect_data), "set the connections");
    require(cowsql_node_set_network_latency_ms(made, kLatencyMs), "set the latency");
    require(cowsql_node_set_snapshot_params(made, kSnapshotEvery, kLogKept), "set the snapshots");
    // The engine would drop damaged files, and with them what was promised to be kept, and go on voting.
    require(cowsql_node_set_auto_recovery(made, false), "switch recovery off");
    require(cowsql_node_start(made), "start");
    running_ = true;
    socket_ = cowsql_node_get_bind_address(made);
}

EngineNode::~EngineNode() { stop(); }

void EngineNode::stop() {
    if (!std::exchange(running_, false)) return;
    try {
        WireConnection connection(socket_, kTransferLimit);
        if (connection.leader().id == id_) connection.transfer(0);
    } catch (const Error&) {
        // The only voter, or no voter at all, or the others do not answer: they will elect one of themselves.
    }
    cowsql_node_stop(node_.get());
    node_.reset();
}

std::uint64_t new_node_id() {
    for (;;) {
        std::uint64_t id = 0;
        if (RAND_bytes(reinterpret_cast<unsigned char*>(&id), sizeof id) != 1)
            throw Error(ErrorKind::internal, "the system gives no random bytes");
        // The engine makes a new cluster for this one too.
        static const std::uint64_t reserved = cowsql_generate_node_id(std::to_string(EngineNode::kFounder).c_str());
        if (id > EngineNode::kFounder && id != reserved) return id;
    }
}

}  // namespace pgedge
