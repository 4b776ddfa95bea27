#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "agent/store/cluster_store.hpp"
#include "agent/store/copy_keeper.hpp"
#include "agent/store/leader_finder.hpp"
#include "agent/store/local_node.hpp"
#include "agent/store/role_keeper.hpp"
#include "agent/store/state/codec.hpp"
#include "agent/store/store_client.hpp"
#include "agent/store/store_record.hpp"
#include "agent/store/store_writer.hpp"
#include "common/base/error.hpp"
#include "common/base/thread_top.hpp"

// The inside of ClusterStore.

namespace pgedge {

/// What outlives a node that had to be given up.
struct ClusterStore::Frame {
    Options options;  ///< `own` is guarded by mutex
    const Log log;
    StorePeers& peers;
    const Clock& clock;
    const StoreRecord record;
    AddressBook addresses;
    ChangeFeed feed;
    Witness witness;
    std::mutex mutex;

    Frame(Options given, const Peers& hosts, StorePeers& store_peers, const Clock& store_clock, const Log& store_log)
        : options(std::move(given)),
          log(store_log.component("store")),
          peers(store_peers),
          clock(store_clock),
          record(options.directory),
          addresses(record.peers()) {
        if (!hosts.empty()) addresses.set(hosts);
        record.load(witness);
    }
    KeyPair own() {
        const std::lock_guard lock(mutex);
        return options.own;
    }
};

/// This host's node and everything that works with it.
struct ClusterStore::Parts {
    const Options& options;
    const Log& log;
    AddressBook& addresses;
    ChangeFeed& feed;
    StoreWriter writer;
    LeaderFinder finder;
    LocalNode node;
    StoreClient client;
    RoleKeeper roles;
    CopyKeeper copies;
    std::atomic<bool> stopping{false};
    std::jthread watching, following;

    Parts(Frame& frame, LocalNode::Start start, const StoreIdentity& identity, const Promise& told,
          LocalNode::Conflict conflict)
        : options(frame.options),
          log(frame.log),
          addresses(frame.addresses),
          feed(frame.feed),
          writer(frame.clock, options.level, log),
          finder(addresses, frame.peers, options.host_id),
          node({.directory = options.directory,
                .host_id = options.host_id,
                .address = options.address,
                .port = options.port,
                .own = frame.own(),
                .authorities = options.authorities,
                .promises = frame.record.promises(),
                .told = told,
                .witness = &frame.witness},
               start, identity, addresses, feed,
               {.told = [this](
                            const Batch& batch, std::vector<Outcome> outcomes,
                            const LiveState::Progress& progress) { writer.told(batch, std::move(outcomes), progress); },
                .changed = [this] { finder.look(); },
                .conflict = std::move(conflict)},
               log),
          client(node, writer, finder, feed, addresses, frame.peers, options.host_id),
          roles(
              node, client, addresses, options.host_id, options.dead_after, [this] { writer.hosts_changed(); }, log),
          copies(node, feed, frame.clock, log) {
        watching = std::jthread(
            [this](const std::stop_token& stop) { run_thread(log, "leadership", stop, [&] { watch(stop); }); });
        following =
            std::jthread([this](const std::stop_token& stop) { run_thread(log, "feed", stop, [&] { follow(stop); }); });
    }

    void watch(const std::stop_token& stop);
    void note_members(const RaftEngine::View& view);
    void follow(const std::stop_token& stop);
    bool hears_of_changes();
    bool follow_once(const std::stop_token& stop);
    std::string answer_changes(Decoder& request);
    std::string answer_read(Decoder& request);
    std::string answer_dump();
    std::string answer_reference(Decoder& request, const std::string& caller, const Witness& witness);
    bool answers_here(const std::string& host_id, const Limit& limit);
    std::string newest_image(const Limit& limit);
    void stop(const std::string& why);
};

/// The node that runs now, if there is one, and the thread that looks after it: it sees that the store's folder is
/// gone, compares with what the leader knows, and brings the host back when its node had to be given up.
struct ClusterStore::Life {
    Frame frame;

    Life(Options options, const Peers& hosts, StorePeers& peers, const Clock& clock, const Log& log)
        : frame(std::move(options), hosts, peers, clock, log) {}

    std::shared_ptr<Parts> node_if_any() const {
        const std::lock_guard lock(mutex);
        return parts;
    }
    std::shared_ptr<Parts> node() const {
        const std::lock_guard lock(mutex);
        if (!parts) throw Error(ErrorKind::unreachable, why, hint);
        return parts;
    }
    StoreIdentity identity() const {
        const std::lock_guard lock(mutex);
        return self;
    }

    void begin(LocalNode::Start start, const StoreIdentity& identity);
    void resume();
    void tend();
    void stop();

private:
    enum class Loss { none, outdated, deleted };
    void run(const StoreIdentity& identity, LocalNode::Start start, const Promise& told);
    void tend(const std::stop_token& stop);
    void conflict(const std::string& text);
    Loss look(const std::stop_token& stop);
    Loss compare_with_leader(Parts& now, const std::stop_token& stop);
    void give_up(Loss loss);
    void come_back(const std::stop_token& stop);
    void say(const std::string& text, const std::string& what_next);
    StoreIdentity identity_on_disk();
    StoreIdentity identity_of_lost() const;

    mutable std::mutex mutex;  // guards what follows
    std::condition_variable_any changed;
    std::shared_ptr<Parts> parts;
    StoreIdentity self;
    std::string why = "the store is stopping", hint;  ///< why there is no node
    std::string contradiction;                        ///< what the engine found

    // Of the thread alone, once it runs.
    std::string reason;  ///< why the node was given up
    std::optional<std::string> compared_with;
    std::chrono::steady_clock::time_point saved{};
    std::jthread thread;
};

}  // namespace pgedge
