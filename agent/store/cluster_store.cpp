#include "agent/store/cluster_store.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "agent/store/copy_keeper.hpp"
#include "agent/store/leader_finder.hpp"
#include "agent/store/local_node.hpp"
#include "agent/store/role_keeper.hpp"
#include "agent/store/state/sql.hpp"
#include "agent/store/store_client.hpp"
#include "agent/store/store_protocol.hpp"
#include "agent/store/store_writer.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

using std::chrono::milliseconds;

/// Between two looks at whether the store is ready, and after a failure.
constexpr milliseconds kLookAgain{100}, kAfterFailure{20};
/// What an answer may take beyond the time it was held back for.
constexpr milliseconds kAnswerSlack{500};
/// How soon a member that has lost its data, or got it, is noticed by the feed.
constexpr milliseconds kWatchRole{1000};
constexpr milliseconds kSearch{2000};  ///< for a leader, before this host's own copy has to do
constexpr std::string_view kNotLeader = "this host does not lead the store";

std::string answer_of(const StoreWriter::Reply& reply) {
    using Kind = StoreWriter::Reply::Kind;
    if (reply.kind == Kind::not_leader) return answer_with(CallStatus::not_leader, reply.why);
    if (reply.kind == Kind::again) return answer_with(CallStatus::again, reply.why);
    if (reply.kind == Kind::full) return answer_with(CallStatus::full, reply.why);
    if (!reply.outcome.failure.empty()) return answer_with(CallStatus::failed, reply.outcome.failure);
    auto encoder = begin_answer(CallStatus::ok);
    encoder.result(reply.outcome.result);
    encoder.number(reply.entry);
    return encoder.take();
}

/// The file of the address book, which is there before the node is: a host that knows who it is knows its peers.
std::filesystem::path written_book(const std::filesystem::path& directory, const ClusterStore::Peers& hosts) {
    make_trusted_directory(directory, 0700);
    auto file = directory / "peers.json";
    if (!hosts.empty()) AddressBook(file).set(hosts);
    return file;
}

}  // namespace

struct ClusterStore::Parts {
    const Options options;
    const Log log;
    AddressBook addresses;
    ChangeFeed feed;
    StoreWriter writer;
    LeaderFinder finder;
    LocalNode node;
    StoreClient client;
    RoleKeeper roles;
    CopyKeeper copies;
    std::atomic<bool> stopping{false};
    std::jthread watching, following;

    Parts(Options given, LocalNode::Start start, const StoreIdentity& identity,
          const std::map<std::string, PeerAddress>& hosts, StorePeers& peers, const Clock& clock, const Log& store_log)
        : options(std::move(given)),
          log(store_log.component("store")),
          addresses(written_book(options.directory, hosts)),
          writer(clock, log),
          finder(addresses, peers, options.host_id),
          node({.directory = options.directory,
                .host_id = options.host_id,
                .address = options.address,
                .port = options.port,
                .own = options.own,
                .authorities = options.authorities},
               start, identity, addresses, feed,
               {.told = [this](
                            const Batch& batch, std::vector<Outcome> outcomes,
                            const LiveState::Progress& progress) { writer.told(batch, std::move(outcomes), progress); },
                .changed = [this] { finder.look(); }},
               log),
          client(node, writer, finder, feed, addresses, peers, options.host_id),
          roles(node, client, addresses, options.host_id, options.dead_after, log),
          copies(node, feed, clock, log) {
        watching = std::jthread([this](const std::stop_token& stop) { watch(stop); });
        following = std::jthread([this](const std::stop_token& stop) { follow(stop); });
    }

    void watch(const std::stop_token& stop);
    void note_members(const RaftEngine::View& view);
    void follow(const std::stop_token& stop);
    bool hears_of_changes();
    bool follow_once(const std::stop_token& stop);
    std::string answer_changes(Decoder& request);
    std::string answer_read(Decoder& request);
    std::string answer_dump();
    std::string newest_image(const Limit& limit);
    void stop();
};

/// Tells the writer and the roles when leadership moves, and everybody who votes.
void ClusterStore::Parts::watch(const std::stop_token& stop) {
    std::uint64_t leading = 0;  // the term that we lead in
    while (!stop.stop_requested()) {
        const auto view = node.engine().view();
        finder.note(view.leader);
        const auto now = view.leads ? view.term : 0;
        if (now != leading) {
            if (leading != 0) {
                writer.resign();
                log.info("this host leads the store no longer");
            }
            if (now != 0) {
                log.info("this host leads the store");
                writer.lead(node);
            }
            roles.lead(now != 0);
            leading = now;
        }
        if (view.role != NodeRole::spare) note_members(view);
        finder.wait_a_moment(stop);
    }
}

/// A member that has no data knows the voters from the leader's answers.
void ClusterStore::Parts::note_members(const RaftEngine::View& view) {
    std::vector<std::string> voters;
    for (const auto& each : view.nodes)
        if (each.role == NodeRole::voter) voters.push_back(each.address);
    try {
        addresses.set_voters(voters);
        node.hold_to_data();
    } catch (const Error& error) {
        log.warn("the store's members were not written down", {{"reason", error.text()}});
    }
}

/// Keeps the feed of a host without data up to that of the leader; elsewhere what is applied here feeds it.
void ClusterStore::Parts::follow(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        try {
            if (follow_once(stop)) continue;
        } catch (const Error& error) {
            log.debug("the change feed was interrupted", {{"reason", error.text()}});
        }
        Limit(kAfterFailure, stop).pause(kAfterFailure);
    }
}

/// True: this member follows a leader, and what is applied here feeds it. Its link to the leader may be cut while
/// requests get through.
bool ClusterStore::Parts::hears_of_changes() {
    return node.has_data() && node.engine().view().leader.id != 0 && node.state().revision() >= feed.revision();
}

/// False: wait a moment.
bool ClusterStore::Parts::follow_once(const std::stop_token& stop) {
    const auto unchanged = finder.while_unchanged();
    const auto leader = finder.find(Limit(kMaxHold, stop));
    if (leader == options.host_id || hears_of_changes()) {
        Limit(kWatchRole, unchanged).pause(kWatchRole);
        return true;
    }
    Encoder request;
    request.integer(feed.revision());
    request.number(static_cast<std::uint64_t>(kMaxHold.count()));
    std::string answer;
    try {
        answer = client.call(leader, "changes", request.take(), Limit(kMaxHold + kAnswerSlack, unchanged));
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::cancelled) finder.doubt(leader);
        throw;
    }
    Decoder decoder(answer);
    if (CallStatus(decoder.number()) != CallStatus::ok) {
        finder.doubt(leader);
        return false;
    }
    const auto part = decoder.part();
    std::vector<std::string> voters;
    for (auto left = decoder.number(); left > 0; --left) voters.push_back(decoder.text());
    if (feed.revision() == 0 || part.missed)
        feed.restart(part.revision);
    else
        feed.append(part.changes);
    if (!voters.empty()) addresses.set_voters(voters);
    return true;
}

std::string ClusterStore::Parts::answer_changes(Decoder& request) {
    const auto since = request.integer();
    const auto hold = std::min(request.number(), static_cast<std::uint64_t>(kMaxHold.count()));
    const auto unchanged = finder.while_unchanged();
    if (!writer.ready()) return answer_with(CallStatus::not_leader, kNotLeader);
    const auto part = feed.wait_for_part(since, Limit(milliseconds(hold), unchanged));
    const auto voters = roles.voters();
    auto encoder = begin_answer(CallStatus::ok);
    encoder.part(part);
    encoder.number(voters.size());
    for (const auto& voter : voters) encoder.text(voter);
    return encoder.take();
}

std::string ClusterStore::Parts::answer_read(Decoder& request) {
    const auto query = request.statement();
    if (kind_of(query.sql) != StatementKind::query) return answer_with(CallStatus::invalid, "it is not a query");
    const Limit limit(StoreClient::kReadAttempt);
    if (!writer.confirm(limit)) return answer_with(CallStatus::not_leader, kNotLeader);
    const auto rows = node.state().read(query, limit);
    auto encoder = begin_answer(CallStatus::ok);
    encoder.rows(rows);
    return encoder.take();
}

std::string ClusterStore::Parts::answer_dump() {
    if (!writer.ready()) return answer_with(CallStatus::not_leader, kNotLeader);
    auto encoder = begin_answer(CallStatus::ok);
    encoder.text(node.state().image(Limit(StoreClient::kReadAttempt)));
    return encoder.take();
}

std::string ClusterStore::answer(std::string_view call, std::string_view body) {
    auto& my = *parts_;
    try {
        if (my.stopping) return answer_with(CallStatus::not_leader, "the store is stopping");
        Decoder request(body);
        if (call == "leader") return my.finder.answer(my.node.id(), !my.node.disk_room().shortage().empty());
        if (call == "commit") {
            const auto transaction = request.transaction();
            check(transaction);
            return answer_of(my.writer.submit(transaction, Limit(StoreClient::kCommitAttempt)));
        }
        if (call == "read") return my.answer_read(request);
        if (call == "changes") return my.answer_changes(request);
        if (call == "dump") return my.answer_dump();
        return answer_with(CallStatus::invalid, "the store has no such call");
    } catch (const SqliteError& error) {
        return answer_with(is_refusal(error.code()) ? CallStatus::failed : CallStatus::not_leader, error.text());
    } catch (const Error& error) {
        return answer_with(error.transient() ? CallStatus::again : CallStatus::invalid, error.text());
    }
}

/// The leader's, or, when there is none, that of this host.
std::string ClusterStore::Parts::newest_image(const Limit& limit) {
    try {
        const auto leader = finder.find(limit.no_longer_than(kSearch));
        if (leader == options.host_id) return node.state().image(limit);
        const auto answer = client.call(leader, "dump", {}, limit);
        Decoder decoder(answer);
        if (CallStatus(decoder.number()) == CallStatus::ok) return decoder.text();
    } catch (const Error& error) {
        log.debug("the store's leader gave no copy", {{"reason", error.text()}});
    }
    return node.state().image(limit);
}

void ClusterStore::Parts::stop() {
    if (stopping.exchange(true)) return;
    client.stop();
    finder.stop();
    for (auto* thread : {&watching, &following}) thread->request_stop();
    for (auto* thread : {&watching, &following}) thread->join();
    copies.stop();
    roles.stop();
    node.stop();
    writer.stop();
}

ClusterStore::ClusterStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ClusterStore::~ClusterStore() { stop(); }

std::unique_ptr<ClusterStore> ClusterStore::found(Options options, const std::string& cluster_id, StorePeers& peers,
                                                  const Clock& clock, const Log& log) {
    const StoreIdentity identity{cluster_id, options.host_id, RaftEngine::kFounder};
    return std::unique_ptr<ClusterStore>(new ClusterStore(
        std::make_unique<Parts>(std::move(options), LocalNode::Start::found, identity, Peers(), peers, clock, log)));
}

std::unique_ptr<ClusterStore> ClusterStore::join(Options options, const std::string& cluster_id, std::uint64_t node_id,
                                                 const Peers& hosts, StorePeers& peers, const Clock& clock,
                                                 const Log& log) {
    const StoreIdentity identity{cluster_id, options.host_id, node_id};
    return std::unique_ptr<ClusterStore>(new ClusterStore(
        std::make_unique<Parts>(std::move(options), LocalNode::Start::join, identity, hosts, peers, clock, log)));
}

std::unique_ptr<ClusterStore> ClusterStore::resume(Options options, StorePeers& peers, const Clock& clock,
                                                   const Log& log) {
    const StoreIdentity identity{{}, options.host_id, 0};
    return std::unique_ptr<ClusterStore>(new ClusterStore(
        std::make_unique<Parts>(std::move(options), LocalNode::Start::resume, identity, Peers(), peers, clock, log)));
}

bool ClusterStore::has_identity(const std::filesystem::path& directory) {
    return StoreDirectory::has_identity(directory);
}

CommitResult ClusterStore::commit(const Transaction& transaction, const Limit& limit) {
    return parts_->client.commit(transaction, limit);
}
Rows ClusterStore::read(const Statement& query, Freshness freshness, const Limit& limit) {
    return parts_->client.read(query, freshness, limit);
}
Changes ClusterStore::wait_for_changes(std::int64_t since, const Limit& limit) {
    return parts_->client.wait_for_changes(since, limit);
}

void ClusterStore::wait_until_ready(const Limit& limit) {
    for (;;) {
        try {
            read({.sql = "SELECT 1"}, Freshness::leader, limit);
            if (parts_->feed.wait(0, limit.no_longer_than(kLookAgain)).revision != 0) return;
        } catch (const Error& error) {
            if (!error.transient()) throw;
        }
        if (limit.stop().stop_requested()) limit.check("waiting for the store");
        if (limit.over())
            throw Error(ErrorKind::unreachable, "the store has no leader",
                        "a majority of the voting hosts must be up and reach each other");
    }
}

const std::string& ClusterStore::cluster_id() const { return parts_->node.identity().cluster_id; }
std::uint64_t ClusterStore::node_id() const { return parts_->node.id(); }
bool ClusterStore::leads() const { return parts_->writer.ready(); }
std::optional<std::string> ClusterStore::leader() const { return parts_->finder.known(); }
std::vector<std::string> ClusterStore::voters() const {
    return leads() ? parts_->roles.voters() : parts_->addresses.voters();
}
std::string ClusterStore::disk_shortage() const { return parts_->node.disk_room().shortage(); }
const AddressBook& ClusterStore::addresses() const { return parts_->addresses; }
void ClusterStore::set_certificate(const KeyPair& own) { parts_->node.tls().set_certificate(own); }
void ClusterStore::export_to(const std::filesystem::path& file, const Limit& limit) {
    SqliteConnection::of_image(parts_->newest_image(limit)).copy_to(file);
}
void ClusterStore::stop() { parts_->stop(); }

}  // namespace pgedge
