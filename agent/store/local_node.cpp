#include "agent/store/local_node.hpp"

#include "agent/store/store_writer.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::milliseconds kAskLimit{1000};
constexpr std::chrono::milliseconds kReadLimit{5000};
constexpr std::chrono::milliseconds kDumpLimit{10'000};
/// Each connection of the engine has a page cache of its own, over pages that are in memory anyway.
constexpr std::string_view kSmallCache = "PRAGMA cache_size = -128";

StoreIdentity identity_for(StoreDirectory& directory, LocalNode::Start start, const StoreIdentity& wanted) {
    const auto known = directory.identity();
    if (start != LocalNode::Start::resume) {
        if (known) throw Error(ErrorKind::conflict, "this host belongs to cluster " + known->cluster_id + " already");
        directory.clear_engine();  // from an attempt that was cut off
        return wanted;
    }
    if (!known) throw Error(ErrorKind::conflict, "this host belongs to no cluster yet");
    if (known->host_id != wanted.host_id)
        throw Error(
            ErrorKind::conflict,
            fmt::format("{} belongs to host {}, not to {}", directory.path().string(), known->host_id, wanted.host_id),
            "a host keeps its id for life");
    return *known;
}

}  // namespace

LocalNode::LocalNode(const Options& options, Start start, const StoreIdentity& identity, const AddressBook& addresses,
                     Log log)
    : directory_(options.directory), identity_(identity_for(directory_, start, identity)) {
    const auto resolve = [&addresses](const std::string& host) -> std::optional<std::string> {
        const auto found = addresses.find(host);
        return found ? std::optional(found->store) : std::nullopt;
    };
    tls_ = std::make_unique<RaftTls>(RaftTls::Options{.address = options.address,
                                                      .port = options.port,
                                                      .own = options.own,
                                                      .authorities = options.authorities,
                                                      .resolve = resolve},
                                     std::move(log));
    node_ = std::make_unique<EngineNode>(EngineNode::Options{.id = identity_.node_id,
                                                             .address = identity_.host_id,
                                                             .directory = directory_.engine(),
                                                             .connect = &RaftTls::connect_callback,
                                                             .connect_data = tls_.get()});
    tls_->start(node_->socket());
    if (start == Start::resume)
        directory_.hold_to_data();
    else
        directory_.set_identity(identity_);
}

LocalNode::~LocalNode() { stop(); }

void LocalNode::stop() {
    if (node_) node_->stop();
    if (tls_) tls_->stop();
}

std::optional<NodeInfo> LocalNode::leader() {
    const std::lock_guard lock(asking_.mutex);
    try {
        if (!asking_.connection) asking_.connection = std::make_unique<WireConnection>(socket(), kAskLimit);
        return asking_.connection->leader();
    } catch (const SqliteError&) {
        return NodeInfo{};  // a node without a vote refuses to say
    } catch (const Error&) {
        asking_.connection.reset();
        return std::nullopt;
    }
}

Rows LocalNode::read(const Statement& query, const Limit& limit) {
    auto& reader = reading_[next_reader_++ % kReaders];
    const std::lock_guard lock(reader.mutex);
    limit.check("reading from the store");
    if (!reader.connection) {
        auto made = std::make_unique<WireConnection>(socket(), kReadLimit);
        made->open(kStoreDatabase);
        made->execute(kSmallCache);
        reader.connection = std::move(made);
    }
    try {
        return reader.connection->run(query).rows;
    } catch (const SqliteError& error) {
        if (!is_refusal(error.code())) reader.connection.reset();
        throw;
    } catch (const Error&) {
        reader.connection.reset();
        throw;
    }
}

WireConnection::Dump LocalNode::dump() { return WireConnection(socket(), kDumpLimit).dump(kStoreDatabase); }

}  // namespace pgedge
