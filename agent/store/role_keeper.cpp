#include "agent/store/role_keeper.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/store/state/codec.hpp"
#include "agent/store/store_protocol.hpp"
#include "agent/store/tables/stored_json.hpp"
#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/base/thread_top.hpp"
#include "common/model/host.hpp"

namespace pgedge {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPause{200};
constexpr milliseconds kNotice{1000};       // how late we may see that we lead
constexpr milliseconds kStepLimit{15'000};  // a node that gets a vote receives all data first
constexpr milliseconds kStoreLimit{2000};
/// Answers no older than this make a node alive.
constexpr milliseconds kFresh{7000};
static_assert(kFresh > 2 * RoleKeeper::kProbeEvery + RoleKeeper::kProbeLimit, "one answer may be lost");

/// A row that cannot be read stops all changes of the engine: a missing host would cost a node its vote.
std::uint64_t node_id_of(const Row& row) {
    if (const auto id = parse_node_id(row.text(1))) return *id;
    throw Error(ErrorKind::internal, fmt::format("host {} has no usable node id in the store", row.text(0)));
}

}  // namespace

RoleKeeper::RoleKeeper(LocalNode& node, StoreClient& store, AddressBook& addresses, std::string host_id,
                       milliseconds dead_after, std::function<void()> hosts_changed, Log log)
    : node_(node),
      store_(store),
      addresses_(addresses),
      host_id_(std::move(host_id)),
      dead_after_(dead_after),
      hosts_changed_(std::move(hosts_changed)),
      log_(std::move(log)),
      changes_(store, {"host"}),
      thread_([this](const std::stop_token& stop) { run_thread(log_, "roles", stop, [&] { run(stop); }); }) {}

RoleKeeper::~RoleKeeper() { stop(); }

void RoleKeeper::stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
}

void RoleKeeper::lead(bool leading) { leading_ = leading; }

std::vector<std::string> RoleKeeper::voters() const {
    const std::lock_guard lock(mutex_);
    return voters_;
}

void RoleKeeper::run(const std::stop_token& stop) {
    bool was_leading = false;
    while (!stop.stop_requested()) {
        try {
            watch_hosts(stop);
            if (stop.stop_requested()) break;
            const Limit limit(kStoreLimit, stop);
            const bool leading = leading_;
            if (leading && !was_leading) {
                leading_since_ = steady_clock::now();
                seen_.clear();
                outdated_ = true;
            }
            was_leading = leading;
            const bool changed = outdated_;
            if (outdated_ && changes_.began()) read_hosts(limit);
            if (!leading || (!changed && steady_clock::now() - probed_ < kProbeEvery)) continue;
            probe_all(limit);
            while (leading_ && !stop.stop_requested() && step(limit)) continue;
        } catch (const Error& error) {
            log_.debug("the roles of the store could not be checked", {{"reason", error.text()}});
            Limit(kPause, stop).pause(kPause);
        }
    }
}

/// Waits for a change, or for a moment.
void RoleKeeper::watch_hosts(const std::stop_token& stop) {
    const Limit limit(leading_ ? probed_ + kProbeEvery : steady_clock::now() + kNotice, stop);
    if (changes_.wait(limit)) outdated_ = true;
}

void RoleKeeper::read_hosts(const Limit& limit) {
    std::map<std::string, PeerAddress> book;
    std::vector<HostNode> hosts;
    std::map<std::string, bool> flags;
    for (const auto& row :
         store_.read({.sql = "SELECT id, node_id, facts, voter FROM host ORDER BY id"}, Freshness::leader, limit)) {
        hosts.push_back({row.text(0), node_id_of(row), NodeHealth::unknown});
        flags[row.text(0)] = row.integer(3) != 0;
        try {
            const Host host = host_from_json(parse_stored(row.text(2)));
            const auto& address = host.peer_addresses.at(0);
            book[host.id] = {address_text(address, host.store_port), address_text(address, host.peer_port)};
        } catch (const std::exception& error) {
            log_.error("a host's address cannot be read from the store",
                       {{"host", row.text(0)}, {"reason", std::string_view(error.what())}});
        }
    }
    if (!book.empty()) addresses_.set(book);
    hosts_ = std::move(hosts);
    voter_flags_ = std::move(flags);
    outdated_ = false;
    if (leading_) hosts_changed_();
}

/// Asks every other host's agent whether its node is there, all at once.
void RoleKeeper::probe_all(const Limit& limit) {
    probed_ = steady_clock::now();
    std::mutex mutex;
    std::vector<std::jthread> asking;
    for (const auto& host : hosts_) {
        if (host.host_id == host_id_) continue;
        asking.emplace_back([&, host] {
            try {
                const auto answer = store_.call(host.host_id, "leader", "", limit.no_longer_than(kProbeLimit));
                Decoder decoder(answer);
                decoder.text();
                const auto id = decoder.number();
                const bool full = !decoder.at_end() && decoder.number() != 0;  // earlier versions do not say
                const std::lock_guard lock(mutex);
                seen_[host.host_id] = {.node_id = id, .answered = steady_clock::now(), .ever = true, .disk_full = full};
            } catch (const std::exception&) {
                // Silence is what we are looking for.
            }
        });
    }
    asking.clear();
    for (auto& host : hosts_) {
        host.health = health_of(host, steady_clock::now());
        host.disk_full =
            host.host_id == host_id_ ? !node_.disk_room().shortage().empty() : seen_[host.host_id].disk_full;
    }
}

NodeHealth RoleKeeper::health_of(const HostNode& host, Time now) const {
    if (host.host_id == host_id_) return NodeHealth::alive;
    const auto found = seen_.find(host.host_id);
    // An agent that runs another node than the one in the table (it was wiped) does not count.
    const bool answered = found != seen_.end() && found->second.node_id == host.node_id;
    if (answered && now - found->second.answered < kFresh) return NodeHealth::alive;
    const auto since = answered ? std::max(found->second.answered, leading_since_) : leading_since_;
    return now - since > dead_after_ ? NodeHealth::dead : NodeHealth::unknown;
}

/// True: one step was made, look again.
bool RoleKeeper::step(const Limit& limit) {
    const auto nodes = node_.engine().view().nodes;
    note_voters(nodes, limit);
    const auto next = next_role_step(hosts_, nodes, node_.id());
    if (!next) return false;
    log_.info("the store's nodes change",
              {{"host", next->address},
               {"node", next->node_id},
               {"step", next->kind == RoleStep::Kind::add        ? std::string_view("add")
                        : next->kind == RoleStep::Kind::remove   ? std::string_view("remove")
                        : next->kind == RoleStep::Kind::transfer ? std::string_view("hand leadership on")
                                                                 : to_string(next->role)}});
    perform(*next, Limit(kStepLimit, limit.stop()));
    note_voters(node_.engine().view().nodes, Limit(kStoreLimit, limit.stop()));
    return next->kind != RoleStep::Kind::transfer;
}

void RoleKeeper::perform(const RoleStep& step, const Limit& limit) {
    auto& engine = node_.engine();
    switch (step.kind) {
        case RoleStep::Kind::add: engine.add(step.node_id, step.address, limit); break;
        case RoleStep::Kind::remove: engine.remove(step.node_id, limit); break;
        case RoleStep::Kind::transfer: engine.hand_over(limit, step.node_id); break;
        case RoleStep::Kind::assign:
            // Giving a vote to a node that cannot be reached holds up all changes for most of a minute.
            if (step.role != NodeRole::spare) node_.tls().connect(step.address);
            engine.assign(step.node_id, step.role, limit);
            break;
    }
}

/// Remembers the voters, for those who ask, and writes them to the table for people.
void RoleKeeper::note_voters(const std::vector<NodeInfo>& nodes, const Limit& limit) {
    std::vector<std::string> voters;
    for (const auto& node : nodes)
        if (node.role == NodeRole::voter) voters.push_back(node.address);
    Transaction transaction;
    for (auto& [host, flag] : voter_flags_) {
        const bool votes = std::find(voters.begin(), voters.end(), host) != voters.end();
        if (std::exchange(flag, votes) != votes)
            transaction.add(Statement{.sql = "UPDATE host SET voter = ? WHERE id = ?",
                                      .args = {std::int64_t{votes ? 1 : 0}, host}});
    }
    addresses_.set_voters(voters);
    {
        const std::lock_guard lock(mutex_);
        voters_ = std::move(voters);
    }
    if (!transaction.statements.empty()) store_.commit(transaction, limit);
}

}  // namespace pgedge
