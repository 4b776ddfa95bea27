#include "agent/store/local_node.hpp"

#include <fmt/format.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::milliseconds kHandOver{1000};

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
                     ChangeFeed& feed, Hooks hooks, const Log& log)
    : directory_(options.directory),
      identity_(identity_for(directory_, start, identity)),
      disk_room_(directory_.path(), directory_.state()) {
    const auto resolve = [&addresses](const std::string& host) -> std::optional<std::string> {
        const auto found = addresses.find(host);
        return found ? std::optional(found->store) : std::nullopt;
    };
    tls_ = std::make_unique<RaftTls>(RaftTls::Options{.address = options.address,
                                                      .port = options.port,
                                                      .own = options.own,
                                                      .authorities = options.authorities,
                                                      .resolve = resolve},
                                     log);
    state_ = std::make_unique<LiveState>(directory_.path(), feed, std::move(hooks.told), log);
    engine_ = std::make_unique<RaftEngine>(RaftEngine::Options{.id = identity_.node_id,
                                                               .host_id = identity_.host_id,
                                                               .directory = directory_.engine(),
                                                               .found = start == Start::found,
                                                               .promises = options.promises,
                                                               .told = options.told,
                                                               .witness = options.witness,
                                                               .conflict = std::move(hooks.conflict)},
                                           *state_, *tls_, std::move(hooks.changed), log);
    if (start == Start::resume)
        directory_.hold_to_data();
    else
        directory_.set_identity(identity_);
}

LocalNode::~LocalNode() { stop(); }

void LocalNode::stop() {
    if (engine_ && engine_->view().leads) engine_->hand_over(Limit(kHandOver));
    if (state_) state_->stop();  // before the engine, whose thread may wait for it
    if (engine_) engine_->stop();
    if (tls_) tls_->stop();
}

bool LocalNode::has_data() const {
    return engine_->view().role != NodeRole::spare && state_->schema_version() > 0 &&
           state_->applied() >= engine_->log_at_start();
}

void LocalNode::hold_to_data() {
    if (held_ || engine_->view().role == NodeRole::spare) return;
    directory_.hold_to_data();
    held_ = true;
}

}  // namespace pgedge
