#include "agent/store/store_client.hpp"

#include <utility>

#include "agent/store/state/sql.hpp"
#include "agent/store/store_protocol.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::milliseconds kBetweenAttempts{20};

}  // namespace

StoreClient::StoreClient(LocalNode& node, StoreWriter& writer, LeaderFinder& finder, const ChangeFeed& feed,
                         const AddressBook& addresses, StorePeers& peers, std::string host_id)
    : node_(node),
      writer_(writer),
      finder_(finder),
      feed_(feed),
      addresses_(addresses),
      peers_(peers),
      host_id_(std::move(host_id)) {}

std::string StoreClient::call(const std::string& host, std::string_view name, const std::string& body,
                              const Limit& limit) {
    const auto address = addresses_.find(host);
    if (!address) throw Error(ErrorKind::unreachable, "the address of host " + host + " is not known");
    return peers_.call(host, *address, name, body, limit);
}

void StoreClient::check_open(const Limit& limit, std::string_view doing, const std::string& why) const {
    if (stopping_) throw Error(ErrorKind::unreachable, why_stopped_);
    if (limit.stop().stop_requested()) limit.check(doing);
    if (limit.over()) throw Error(ErrorKind::timed_out, "timed out while " + std::string(doing) + ": " + why);
}

StoreWriter::Reply StoreClient::commit_once(const std::string& leader, const Transaction& transaction,
                                            const Limit& limit) {
    using Kind = StoreWriter::Reply::Kind;
    if (leader == host_id_) return writer_.submit(transaction, limit);
    Encoder request;
    request.transaction(transaction);
    const auto answer = call(leader, "commit", request.take(), limit);
    Decoder decoder(answer);
    const auto status = CallStatus(decoder.number());
    if (status == CallStatus::ok) {
        Outcome outcome{.result = decoder.result(), .failure = {}};
        // Earlier versions do not say.
        const auto entry = decoder.at_end() ? 0 : decoder.number();
        return {.kind = Kind::done, .outcome = std::move(outcome), .why = {}, .entry = entry};
    }
    auto text = decoder.text();
    if (status == CallStatus::failed)
        return {.kind = Kind::done, .outcome = {.result = {}, .failure = std::move(text)}};
    if (status == CallStatus::invalid) throw Error(ErrorKind::internal, text);
    const auto kind = status == CallStatus::not_leader ? Kind::not_leader
                      : status == CallStatus::full     ? Kind::full
                                                       : Kind::again;
    return {.kind = kind, .why = std::move(text)};
}

CommitResult StoreClient::commit(const Transaction& transaction, const Limit& limit) {
    bool sent = false;
    try {
        return commit(transaction, limit, sent);
    } catch (const Error& error) {
        if (!sent || (!error.transient() && error.kind() != ErrorKind::cancelled)) throw;
        throw Error(error.kind(), error.text() + "; whether the change was made is not known: it may still be made",
                    "look at what is there before you ask for it again");
    }
}

CommitResult StoreClient::commit(const Transaction& transaction, const Limit& limit, bool& sent) {
    check(transaction);
    const auto all = limit.no_longer_than(kMaxRepeat);
    std::string why = "the store has not answered";
    for (;;) {
        check_open(all, "writing to the store", why);
        const auto leader = finder_.find(all);
        bool full = false;
        try {
            const bool sent_before = std::exchange(sent, true);
            auto reply = commit_once(leader, transaction, all.no_longer_than(kCommitAttempt));
            if (reply.kind == StoreWriter::Reply::Kind::not_leader || reply.kind == StoreWriter::Reply::Kind::full)
                sent = sent_before;  // it was not taken
            if (reply.kind == StoreWriter::Reply::Kind::done) {
                for (auto seen = seen_.load(); seen < reply.entry && !seen_.compare_exchange_weak(seen, reply.entry);)
                    continue;
                if (!reply.outcome.failure.empty()) throw Error(ErrorKind::failed, reply.outcome.failure);
                return std::move(reply.outcome.result);
            }
            why = reply.why;
            full = reply.kind == StoreWriter::Reply::Kind::full;
            if (reply.kind == StoreWriter::Reply::Kind::not_leader) finder_.doubt(leader);
        } catch (const Error& error) {
            if (!error.transient()) throw;
            why = error.text();
            finder_.doubt(leader);
        }
        if (full) throw Error(ErrorKind::unreachable, why, "make room on that disk; nothing was changed");
        all.pause(kBetweenAttempts);
    }
}

std::optional<Rows> StoreClient::read_once(const std::string& leader, const Statement& query, const Limit& limit,
                                           std::string& why) {
    if (leader == host_id_) {
        if (writer_.confirm(limit)) return node_.state().read(query, limit);
        why = "this host does not lead the store";
        return std::nullopt;
    }
    Encoder request;
    request.statement(query);
    const auto answer = call(leader, "read", request.take(), limit);
    Decoder decoder(answer);
    const auto status = CallStatus(decoder.number());
    if (status == CallStatus::ok) return decoder.rows();
    why = decoder.text();
    if (status == CallStatus::failed) throw Error(ErrorKind::failed, why);
    if (status == CallStatus::invalid) throw Error(ErrorKind::internal, why);
    return std::nullopt;
}

/// From this host's own file, if it has all that this host was told of.
std::optional<Rows> StoreClient::read_here(const Statement& query, const Limit& limit) {
    if (!node_.has_data() || node_.state().applied() < seen_ || node_.state().revision() < feed_.revision())
        return std::nullopt;
    return node_.state().read(query, limit);
}

Rows StoreClient::read(const Statement& query, Freshness freshness, const Limit& limit) {
    if (kind_of(query.sql) != StatementKind::query)
        throw Error(ErrorKind::internal, "a read of the store would change it: " + query.sql);
    if (freshness == Freshness::local && !stopping_)
        if (auto rows = read_here(query, limit)) return std::move(*rows);
    std::string why = "the store has not answered";
    for (;;) {
        check_open(limit, "reading from the store", why);
        const auto leader = finder_.find(limit);
        try {
            if (auto rows = read_once(leader, query, limit.no_longer_than(kReadAttempt), why)) return std::move(*rows);
        } catch (const Error& error) {
            if (!error.transient()) throw;
            why = error.text();
        }
        finder_.doubt(leader);
        limit.pause(kBetweenAttempts);
    }
}

void StoreClient::stop(const std::string& why) {
    why_stopped_ = why;
    stopping_ = true;
}

Changes StoreClient::wait_for_changes(std::int64_t since, const Limit& limit) { return feed_.wait(since, limit); }

}  // namespace pgedge
