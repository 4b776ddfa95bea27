#include "agent/store/store_life.hpp"

#include <fmt/format.h>

#include "agent/store/way_back.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {
namespace {

using std::chrono::milliseconds;

/// Between two looks at this host's node, and two times that what is known of the others is written down.
constexpr milliseconds kLook{400}, kSave{5000};
constexpr milliseconds kReference{1000};  ///< what other members say of this one
constexpr milliseconds kAskAround{30'000}, kAskAgain{1000};
constexpr std::string_view kComesBack =
    "it takes a fresh copy by itself as soon as a majority of the other voters answers; docs/store.md, \"Old and lost "
    "copies\", says what to do when they are lost";

}  // namespace

void ClusterStore::Life::run(const StoreIdentity& identity, LocalNode::Start start, const Promise& told) {
    auto fresh =
        std::make_shared<Parts>(frame, start, identity, told, [this](const std::string& text) { conflict(text); });
    const std::lock_guard lock(mutex);
    self = identity;
    parts = std::move(fresh);
}

void ClusterStore::Life::begin(LocalNode::Start start, const StoreIdentity& identity) {
    if (!StoreDirectory::has_identity(frame.options.directory)) frame.record.forget_promises();
    run(identity, start, {});
    frame.record.set_identity(identity, false);
}

/// Throws Error{failed} with what is wrong with the folder, as far as that can be seen without opening the log.
StoreIdentity ClusterStore::Life::identity_on_disk() {
    const StoreDirectory directory(frame.options.directory);
    if (const auto identity = directory.identity()) return *identity;
    throw Error(ErrorKind::failed, fmt::format("there is no store in {}", directory.path().string()));
}

/// Who this host was, when its store cannot say.
StoreIdentity ClusterStore::Life::identity_of_lost() const {
    if (const auto recorded = frame.record.identity()) return recorded->store;
    return frame.options.known;
}

void ClusterStore::Life::resume() {
    const auto recorded = frame.record.identity();
    try {
        const auto identity = identity_on_disk();
        if (identity.host_id != frame.options.host_id)
            throw Error(ErrorKind::conflict,
                        fmt::format("{} belongs to host {}, not to {}", frame.options.directory.string(),
                                    identity.host_id, frame.options.host_id),
                        "a host keeps its id for life");
        self = identity;
        if (recorded && recorded->returning) throw UnusableLog("this host has given up the node that it was before");
        const auto reference = ask_for_reference(frame.addresses, frame.peers, identity, Limit(kReference));
        if (reference.node_id != 0 && reference.node_id != identity.node_id)
            throw UnusableLog("the cluster knows this host under a later node than the one in it");
        run(identity, LocalNode::Start::resume, reference.promise);
        if (!recorded || recorded->store != identity) frame.record.set_identity(identity, false);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::failed) throw;
        const auto* unusable = dynamic_cast<const UnusableLog*>(&error);
        const bool gone = !unusable && (!StoreDirectory::has_identity(frame.options.directory) ||
                                        !StoreDirectory::has_engine_data(frame.options.directory));
        if (!unusable && !gone) throw;
        if (self.cluster_id.empty()) self = identity_of_lost();
        if (self.cluster_id.empty()) throw;
        reason = unusable ? fmt::format("the store in {} must not be used: {}", frame.options.directory.string(),
                                        error.text())
                          : fmt::format("this host's store is lost: {}", error.text());
    }
    if (reason.empty()) return;
    say(reason, std::string(kComesBack));
    frame.log.error("this host's store is not used", {{"reason", reason}, {"next", kComesBack}});
}

void ClusterStore::Life::say(const std::string& text, const std::string& what_next) {
    const std::lock_guard lock(mutex);
    why = text;
    hint = what_next;
}

void ClusterStore::Life::conflict(const std::string& text) {
    {
        const std::lock_guard lock(mutex);
        contradiction = text;
    }
    changed.notify_all();
}

void ClusterStore::Life::tend() {
    thread = std::jthread(
        [this](const std::stop_token& stop) { run_thread(frame.log, "store", stop, [&] { tend(stop); }); });
}

void ClusterStore::Life::tend(const std::stop_token& stop) {
    std::string complaint;
    while (!stop.stop_requested()) {
        try {
            if (!node_if_any()) {
                come_back(stop);
                if (!node_if_any()) return;
            }
            if (const auto loss = look(stop); loss != Loss::none) {
                give_up(loss);
                if (loss == Loss::deleted) return;  // the next start of the agent sees what is left
                continue;
            }
            complaint.clear();
        } catch (const std::exception& error) {
            if (complaint != error.what())
                frame.log.warn("the store was not looked after", {{"reason", std::string_view(error.what())}});
            complaint = error.what();
        }
        std::unique_lock lock(mutex);
        changed.wait_for(lock, stop, kLook, [this] { return !contradiction.empty(); });
    }
}

ClusterStore::Life::Loss ClusterStore::Life::look(const std::stop_token& stop) {
    const auto now = node_if_any();
    if (!now->node.directory().still_there()) {
        reason = fmt::format("the store's folder {} was deleted or replaced while the agent ran",
                             frame.options.directory.string());
        return Loss::deleted;
    }
    {
        const std::lock_guard lock(mutex);
        if (!contradiction.empty()) {
            reason = fmt::format("the store in {} contradicts that of the other hosts: {}",
                                 frame.options.directory.string(), std::exchange(contradiction, {}));
            return Loss::outdated;
        }
    }
    if (const auto time = std::chrono::steady_clock::now(); time - saved > kSave) {
        saved = time;
        frame.record.save(frame.witness);
    }
    return compare_with_leader(*now, stop);
}

/// Who leads may not have been there when this host started.
ClusterStore::Life::Loss ClusterStore::Life::compare_with_leader(Parts& now, const std::stop_token& stop) {
    const auto leader = now.finder.known();
    if (leader == compared_with) return Loss::none;
    if (!leader || *leader == frame.options.host_id) {
        compared_with = leader;
        return Loss::none;
    }
    const auto address = frame.addresses.find(*leader);
    if (!address) return Loss::none;
    Reference reference;
    try {
        reference = ask_for_reference(*leader, *address, frame.peers, now.node.identity(), Limit(kReference, stop));
    } catch (const Error&) {
        return Loss::none;  // the next look asks again
    }
    compared_with = leader;
    const auto missing = what_is_missing(reference.promise, now.node.engine().promised());
    if (missing.empty()) return Loss::none;
    reason = fmt::format("the store in {} must not be used: {}", frame.options.directory.string(), missing);
    return Loss::outdated;
}

void ClusterStore::Life::give_up(Loss loss) {
    const std::string next = loss == Loss::deleted
                                 ? "start the agent again: it takes a fresh copy; when the whole data directory is "
                                   "gone, join again with pgedgectl cluster join --replace"
                                 : std::string(kComesBack);
    std::shared_ptr<Parts> old;
    {
        const std::lock_guard lock(mutex);
        old.swap(parts);
        why = reason;
        hint = next;
    }
    frame.log.error("this host's store is not used", {{"reason", reason}, {"next", next}});
    old->stop(reason);
    compared_with.reset();
}

void ClusterStore::Life::come_back(const std::stop_token& stop) {
    auto identity = this->identity();
    const auto recorded = frame.record.identity();
    const bool begun = recorded && recorded->returning;
    identity.node_id = begun ? recorded->store.node_id : new_node_id();
    frame.record.set_identity(identity, true);  // first: from here on the old node is never started again
    frame.options.node_changed(identity.node_id);
    for (bool told = false;;) {
        std::string said = "no other host of the cluster is known here";
        if (const auto hosts = ask_to_return(frame.addresses, frame.peers, identity, Limit(kAskAround, stop), said)) {
            frame.addresses.set(*hosts);
            break;
        }
        if (stop.stop_requested()) return;
        say(reason + "; no fresh copy yet: " + said, std::string(kComesBack));
        if (!std::exchange(told, true)) frame.log.warn("the store's fresh copy has to wait", {{"reason", said}});
        Limit(kAskAgain, stop).pause(kAskAgain);
    }
    const auto place = set_aside(frame.options.directory, frame.clock);
    frame.log.info("this host comes back to the store with a fresh copy",
                   {{"node", identity.node_id}, {"old_copy", place.empty() ? "none" : place.string()}});
    frame.record.forget_promises();
    frame.record.set_identity(identity, false);  // before it promises anything
    run(identity, LocalNode::Start::join, {});
}

void ClusterStore::Life::stop() {
    if (thread.joinable()) {
        thread.request_stop();
        thread.join();
    }
    if (const auto now = node_if_any()) now->stop("the store is stopping");
    try {
        if (std::filesystem::exists(frame.record.path())) frame.record.save(frame.witness);
    } catch (const Error& error) {
        frame.log.warn("what is known of the other members was not written down", {{"reason", error.text()}});
    }
}

}  // namespace pgedge
