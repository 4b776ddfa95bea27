#include "agent/store/cluster_store.hpp"

#include <algorithm>

#include "agent/store/state/sql.hpp"
#include "agent/store/store_life.hpp"
#include "agent/store/store_protocol.hpp"
#include "agent/store/way_back.hpp"
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
constexpr milliseconds kReturn{4000};  ///< for an answer to a host that wants to come back, or about one that is lost
constexpr milliseconds kProbe{1000};
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

}  // namespace

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
    const auto view = node.engine().view();
    return view.role != NodeRole::spare && view.leader.id != 0 && node.state().schema_version() > 0 &&
           node.state().revision() >= feed.revision();
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

std::string ClusterStore::Parts::answer_reference(Decoder& request, const std::string& caller, const Witness& witness) {
    const auto node_id = request.number();
    std::string listed;
    if (writer.ready()) {  // others may not know of the newest
        const auto rows = node.state().read({.sql = "SELECT node_id FROM host WHERE id = ?", .args = {caller}},
                                            Limit(StoreClient::kReadAttempt));
        if (!rows.empty()) listed = rows[0].text(0);
    }
    return reference_answer(witness.of(node_id), listed);
}

/// Twice, since one answer may be lost.
bool ClusterStore::Parts::answers_here(const std::string& host_id, const Limit& limit) {
    for (int attempt = 0; attempt < 2; ++attempt) try {
            const auto answer = client.call(host_id, "leader", "", limit.no_longer_than(kProbe));
            Decoder decoder(answer);
            decoder.text();
            return decoder.number() != 0;  // it runs a node
        } catch (const Error& error) {
            if (!error.transient()) throw;
        }
    return false;
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

void ClusterStore::Parts::stop(const std::string& why) {
    if (stopping.exchange(true)) return;
    client.stop(why);
    finder.stop();
    for (auto* thread : {&watching, &following}) thread->request_stop();
    for (auto* thread : {&watching, &following}) thread->join();
    copies.stop();
    roles.stop();
    node.stop();
    writer.stop();
}

ClusterStore::ClusterStore(std::unique_ptr<Life> life)
    : life_(std::move(life)), cluster_id_(life_->identity().cluster_id) {
    life_->tend();
}
ClusterStore::~ClusterStore() { stop(); }

std::unique_ptr<ClusterStore> ClusterStore::found(Options options, const std::string& cluster_id, StorePeers& peers,
                                                  const Clock& clock, const Log& log) {
    const StoreIdentity identity{cluster_id, options.host_id, RaftEngine::kFounder};
    auto life = std::make_unique<Life>(std::move(options), Peers(), peers, clock, log);
    life->begin(LocalNode::Start::found, identity);
    return std::unique_ptr<ClusterStore>(new ClusterStore(std::move(life)));
}

std::unique_ptr<ClusterStore> ClusterStore::join(Options options, const std::string& cluster_id, std::uint64_t node_id,
                                                 const Peers& hosts, StorePeers& peers, const Clock& clock,
                                                 const Log& log) {
    const StoreIdentity identity{cluster_id, options.host_id, node_id};
    auto life = std::make_unique<Life>(std::move(options), hosts, peers, clock, log);
    life->begin(LocalNode::Start::join, identity);
    return std::unique_ptr<ClusterStore>(new ClusterStore(std::move(life)));
}

std::unique_ptr<ClusterStore> ClusterStore::resume(Options options, StorePeers& peers, const Clock& clock,
                                                   const Log& log) {
    auto life = std::make_unique<Life>(std::move(options), Peers(), peers, clock, log);
    life->resume();
    return std::unique_ptr<ClusterStore>(new ClusterStore(std::move(life)));
}

bool ClusterStore::has_identity(const std::filesystem::path& directory) {
    return StoreDirectory::has_identity(directory);
}

std::string ClusterStore::answer(std::string_view call, std::string_view body, const std::string& caller) {
    const auto node = life_->node_if_any();
    try {
        if (!node || node->stopping)
            return call == "leader" ? LeaderFinder::no_answer()
                                    : answer_with(CallStatus::not_leader, "the store is stopping");
        auto& my = *node;
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
        if (call == "reference") return my.answer_reference(request, caller, life_->frame.witness);
        if (call == "return")
            return answer_return(request, caller, cluster_id(), my.client, my.addresses, Limit(kReturn));
        if (call == "probe") {
            const auto host = request.text();
            if (!my.writer.ready()) return answer_with(CallStatus::not_leader, kNotLeader);
            auto encoder = begin_answer(CallStatus::ok);
            encoder.number(my.answers_here(host, Limit(kReturn)) ? 1 : 0);
            return encoder.take();
        }
        return answer_with(CallStatus::invalid, "the store has no such call");
    } catch (const SqliteError& error) {
        return answer_with(is_refusal(error.code()) ? CallStatus::failed : CallStatus::not_leader, error.text());
    } catch (const Error& error) {
        return answer_with(error.transient() ? CallStatus::again : CallStatus::invalid, error.text());
    }
}

CommitResult ClusterStore::commit(const Transaction& transaction, const Limit& limit) {
    return life_->node()->client.commit(transaction, limit);
}
Rows ClusterStore::read(const Statement& query, Freshness freshness, const Limit& limit) {
    return life_->node()->client.read(query, freshness, limit);
}
Changes ClusterStore::wait_for_changes(std::int64_t since, const Limit& limit) {
    return life_->frame.feed.wait(since, limit);
}

void ClusterStore::wait_until_ready(const Limit& limit) {
    for (;;) {
        try {
            read({.sql = "SELECT 1"}, Freshness::leader, limit);
            if (life_->frame.feed.wait(0, limit.no_longer_than(kLookAgain)).revision != 0) return;
        } catch (const Error& error) {
            if (!error.transient()) throw;
        }
        if (limit.stop().stop_requested()) limit.check("waiting for the store");
        if (limit.over())
            throw Error(ErrorKind::unreachable, "the store has no leader",
                        "a majority of the voting hosts must be up and reach each other");
    }
}

const std::string& ClusterStore::cluster_id() const { return cluster_id_; }
std::uint64_t ClusterStore::node_id() const { return life_->identity().node_id; }
bool ClusterStore::leads() const {
    const auto node = life_->node_if_any();
    return node && node->writer.ready();
}
std::optional<std::string> ClusterStore::leader() const {
    const auto node = life_->node_if_any();
    return node ? node->finder.known() : std::nullopt;
}
std::vector<std::string> ClusterStore::voters() const {
    const auto node = life_->node_if_any();
    return node && node->writer.ready() ? node->roles.voters() : life_->frame.addresses.voters();
}
bool ClusterStore::host_answers(const std::string& host_id, const Limit& limit) {
    const auto node = life_->node();
    if (node->answers_here(host_id, limit)) return true;
    const auto leader = node->finder.find(limit);
    if (leader == life_->frame.options.host_id) return false;
    Encoder request;
    request.text(host_id);
    const auto answer = node->client.call(leader, "probe", request.take(), limit.no_longer_than(kReturn));
    Decoder decoder(answer);
    if (CallStatus(decoder.number()) != CallStatus::ok)
        throw Error(ErrorKind::unreachable, "host " + leader + " could not be asked: " + decoder.text(),
                    "try again: the store has another leader");
    return decoder.number() != 0;
}
const AddressBook& ClusterStore::addresses() const { return life_->frame.addresses; }
void ClusterStore::set_certificate(const KeyPair& own) {
    {
        const std::lock_guard lock(life_->frame.mutex);
        life_->frame.options.own = own;
    }
    if (const auto node = life_->node_if_any()) node->node.tls().set_certificate(own);
}
std::string ClusterStore::disk_shortage() const {
    const auto node = life_->node_if_any();
    return node ? node->node.disk_room().shortage() : std::string();
}
void ClusterStore::export_to(const std::filesystem::path& file, const Limit& limit) {
    SqliteConnection::of_image(life_->node()->newest_image(limit)).copy_to(file);
}
void ClusterStore::stop() { life_->stop(); }

}  // namespace pgedge
