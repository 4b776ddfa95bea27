#include "agent/store/tables/leases.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include <fmt/format.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// What a beat counts as when its host has none, or one of another incarnation than the lease's: neither can renew.
constexpr std::int64_t kNoBeat = -1;

/// One look at a lease: it may be taken when this has not changed for its whole hold.
struct Sight {
    std::int64_t epoch = 0, beat = kNoBeat;
    std::string incarnation;
    bool operator==(const Sight&) const = default;
};

struct WatchedLease {
    Sight sight;
    nanoseconds since{};  // monotonic
};

struct Held {
    std::int64_t epoch = 0;
    milliseconds hold{};
    nanoseconds trusted_from{};  // boot time, read before the request that renewed it was sent
};

Statement look_at(const std::string& name) {
    return {.sql =
                "SELECT l.epoch, l.holder, l.host, l.incarnation, l.hold_ms, b.n FROM lease l "
                "LEFT JOIN beat b ON b.host = l.host AND b.incarnation = l.incarnation WHERE l.name = ?",
            .args = {name}};
}

}  // namespace

struct Leases::State {
    Store& store;
    const Clock& clock;
    const std::string host, incarnation;

    mutable std::mutex mutex;      // guards what follows; never held during a call of the store
    std::int64_t taken = kNoBeat;  // of our row of the beat table; kNoBeat: our incarnation was not there yet
    std::int64_t takes = 0;        // how many leases were put into `held` so far
    std::int64_t compared = 0;     // `takes` of what beat_and_compare() compared last; -1: our row is not ours
    std::map<std::string, Held> held;
    std::map<std::string, WatchedLease> watched;
    std::map<std::string, Lease> seen;
    std::map<std::string, std::int64_t> given_back;  // newest epoch: what its release is to end must not begin again

    bool trusts(const std::string& name) const {
        const auto found = held.find(name);
        return found != held.end() &&
               clock.boottime() < found->second.trusted_from + nanoseconds(found->second.hold) * 6 / 10;
    }
    /// True when the lease has looked the same for its whole hold. `now` is a time after the look.
    bool is_over(const LeaseLook& look, nanoseconds now) {
        const Sight sight{look.lease.epoch, look.beat, look.lease.incarnation};
        auto& watch = watched[look.lease.name];
        if (watch.since == nanoseconds(0) || watch.sight != sight) watch = {sight, now};
        return now - watch.since >= look.lease.hold;
    }
    bool was_given_back(const Lease& lease) const {
        const auto found = given_back.find(lease.name);
        return found != given_back.end() && lease.epoch <= found->second;
    }
    void renewed(const std::string& name, std::int64_t epoch, nanoseconds asked) {
        const auto found = held.find(name);
        if (found != held.end() && found->second.epoch == epoch)
            found->second.trusted_from = std::max(found->second.trusted_from, asked);
    }
    void hold(const Lease& lease, nanoseconds trusted_from) {
        ++takes;
        held[lease.name] = {lease.epoch, lease.hold, trusted_from};
        seen[lease.name] = lease;
        watched.erase(lease.name);
    }

    Transaction create(const Lease& wanted) const;
    Transaction take(const LeaseLook& look, const Lease& wanted) const;
    std::optional<Rows> beat_undisputed(const std::vector<Statement>& also, const Limit& limit);
    Rows beat_and_compare(const std::optional<Statement>& query, const Limit& limit);
    bool commit_and_hold(const Transaction& transaction, const Lease& lease, const Limit& limit);
};

/// R2: nothing happens unless our own beat stands, so that the new term can be renewed.
static Statement own_beat_stands(const std::string& host, const std::string& incarnation) {
    return {.sql = "SELECT 1 FROM beat WHERE host = ? AND incarnation = ?", .args = {host, incarnation}, .expect = 1};
}

bool Leases::State::commit_and_hold(const Transaction& transaction, const Lease& lease, const Limit& limit) {
    const auto asked = clock.boottime();
    if (!store.commit(transaction, limit).committed) return false;
    const std::lock_guard lock(mutex);
    hold(lease, asked);
    return trusts(lease.name);
}

Transaction Leases::State::create(const Lease& wanted) const {
    Transaction transaction;
    transaction.vital = true;
    transaction.add(own_beat_stands(host, incarnation));
    transaction.add(
        Statement{.sql = "INSERT INTO lease(name, epoch, holder, host, incarnation, hold_ms) VALUES (?, 1, ?, ?, ?, ?) "
                         "ON CONFLICT(name) DO NOTHING",
                  .args = {wanted.name, wanted.holder, host, incarnation, std::int64_t{wanted.hold.count()}},
                  .expect = 1});
    return transaction;
}

/// R2, R3: compare and set. The beat that we saw is part of the comparison, so a stale look takes nothing.
Transaction Leases::State::take(const LeaseLook& look, const Lease& wanted) const {
    Transaction transaction;
    transaction.vital = true;
    transaction.add(own_beat_stands(host, incarnation));
    transaction.add(
        Statement{.sql = "UPDATE beat SET taken = taken + 1 WHERE host = (SELECT host FROM lease WHERE name = ?)",
                  .args = {wanted.name}});
    transaction.add(Statement{
        .sql = "UPDATE lease SET epoch = epoch + 1, holder = ?, host = ?, incarnation = ?, hold_ms = ? "
               "WHERE name = ? AND epoch = ? AND incarnation = ? AND (holder = '' OR NOT EXISTS ("
               "SELECT 1 FROM beat b WHERE b.host = lease.host AND b.incarnation = lease.incarnation AND b.n <> ?))",
        .args = {wanted.holder, host, incarnation, std::int64_t{wanted.hold.count()}, wanted.name, look.lease.epoch,
                 look.lease.incarnation, look.beat},
        .expect = 1});
    return transaction;
}

Leases::Leases(Store& store, const Clock& clock, std::string host, std::string incarnation)
    : state_(new State{.store = store,
                       .clock = clock,
                       .host = std::move(host),
                       .incarnation = std::move(incarnation),
                       .mutex = {},
                       .held = {},
                       .watched = {},
                       .seen = {},
                       .given_back = {}}) {}

Leases::~Leases() = default;

const std::string& Leases::incarnation() const { return state_->incarnation; }

void Leases::beat(const Limit& limit) { beat({}, limit); }

void Leases::beat(const std::vector<Statement>& also, const Limit& limit) {
    if (!state_->beat_undisputed(also, limit)) state_->beat_and_compare(std::nullopt, limit);
}

/// One beat; returns the rows of a query of the same transaction.
Rows Leases::renew(const Statement& query, const Limit& limit) {
    auto seen = state_->beat_undisputed({query}, limit);
    return seen ? std::move(*seen) : state_->beat_and_compare(query, limit);
}

/// The beat of almost always, in one statement: nobody took a lease of ours since all of them were compared, so it
/// renews them. nullopt: somebody may have. A take's answer may come after the lease was taken from us again, and after
/// the comparison that saw it; so what is new has to be compared first. Returns the rows of the last of `also`.
std::optional<Rows> Leases::State::beat_undisputed(const std::vector<Statement>& also, const Limit& limit) {
    std::map<std::string, Held> before;
    Transaction transaction;
    transaction.vital = true;
    transaction.routine = true;
    {
        const std::lock_guard lock(mutex);
        if (taken == kNoBeat || compared != takes) return std::nullopt;
        before = held;
        transaction.add(Statement{.sql = "UPDATE beat SET n = n + 1 WHERE host = ? AND incarnation = ? AND taken = ?",
                                  .args = {host, incarnation, taken},
                                  .expect = 1});
    }
    transaction.add(also);
    const auto asked = clock.boottime();
    auto result = store.commit(transaction, limit);
    if (!result.committed) return std::nullopt;
    const std::lock_guard lock(mutex);
    for (const auto& [name, old] : before) renewed(name, old.epoch, asked);
    return also.empty() ? Rows() : std::move(result.rows.back());
}

/// A beat that finds out which leases are still ours.
Rows Leases::State::beat_and_compare(const std::optional<Statement>& query, const Limit& limit) {
    std::map<std::string, Held> before;
    std::int64_t takes_before = 0;
    Transaction transaction;
    transaction.vital = true;
    {
        const std::lock_guard lock(mutex);
        before = held;
        takes_before = takes;
        if (taken == kNoBeat)
            transaction.add(
                Statement{.sql = "INSERT INTO beat(host, incarnation, n, taken) VALUES (?, ?, 1, 0) "
                                 "ON CONFLICT(host) DO UPDATE SET incarnation = excluded.incarnation, n = n + 1",
                          .args = {host, incarnation}});
        else
            transaction.add(Statement{.sql = "UPDATE beat SET n = n + 1 WHERE host = ? AND incarnation = ?",
                                      .args = {host, incarnation},
                                      .expect = 1});
    }
    transaction.add(
        Statement{.sql = "SELECT b.taken, l.name, l.epoch FROM beat b LEFT JOIN lease l ON l.host = b.host AND "
                         "l.incarnation = b.incarnation AND l.holder <> '' WHERE b.host = ?",
                  .args = {host}});
    if (query) transaction.add(*query);
    const auto asked = clock.boottime();
    auto result = store.commit(transaction, limit);
    const std::lock_guard lock(mutex);
    if (!result.committed) {
        held.clear();
        compared = -1;
        throw Error(ErrorKind::conflict,
                    fmt::format("another agent has started as host {}, or the host was removed", host),
                    "give each agent a host id of its own");
    }
    std::map<std::string, std::int64_t> ours;
    for (const auto& row : result.rows.at(1))
        if (!row.null(1)) ours[row.text(1)] = row.integer(2);
    for (const auto& [name, old] : before) {
        const auto mine = ours.find(name);
        if (mine != ours.end() && mine->second == old.epoch)
            renewed(name, old.epoch, asked);
        else if (const auto lost = held.find(name); lost != held.end() && lost->second.epoch == old.epoch)
            held.erase(lost);
    }
    taken = result.rows.at(1).at(0).integer(0);
    compared = takes_before;
    return query ? std::move(result.rows.at(2)) : Rows();
}

bool Leases::try_take(const std::string& name, const std::string& holder, milliseconds hold, const Limit& limit) {
    if (is_held(name)) return holds(name);
    const auto rows = state_->store.read(look_at(name), Freshness::leader, limit);
    return take_if_allowed(seen_as(name, rows), holder, hold, limit);
}

bool Leases::beat_and_try_take(const std::string& name, const std::string& holder, milliseconds hold,
                               const Limit& limit) {
    if (is_held(name)) {
        beat(limit);
        if (is_held(name)) return holds(name);
    }
    return take_if_allowed(seen_as(name, renew(look_at(name), limit)), holder, hold, limit);
}

LeaseLook Leases::look(const std::string& name, const Limit& limit, Freshness freshness) {
    return seen_as(name, state_->store.read(look_at(name), freshness, limit));
}

/// What look_at() found.
LeaseLook Leases::seen_as(const std::string& name, const Rows& rows) {
    State& my = *state_;
    LeaseLook look;
    look.lease.name = name;
    const std::lock_guard lock(my.mutex);
    const auto held = my.held.find(name);
    if (rows.empty()) {
        if (held == my.held.end()) return look;
        look.state = LeaseLook::State::mine;  // our copy of the store is behind
        look.lease.epoch = held->second.epoch;
        return look;
    }
    const auto& row = rows[0];
    look.lease.epoch = row.integer(0);
    look.lease.holder = row.text(1);
    look.lease.host = row.text(2);
    look.lease.incarnation = row.text(3);
    look.lease.hold = milliseconds(row.integer(4));
    look.beat = row.null(5) ? kNoBeat : row.integer(5);
    if (held != my.held.end() && held->second.epoch >= look.lease.epoch) {
        look.state = LeaseLook::State::mine;
        look.lease.epoch = held->second.epoch;
        return look;
    }
    if (held != my.held.end()) my.held.erase(held);  // a newer term: what a beat would find out
    my.seen[name] = look.lease;
    const bool over = my.is_over(look, my.clock.monotonic());
    if (look.lease.holder.empty()) {
        look.state = LeaseLook::State::free;
    } else if (look.lease.host != my.host) {
        look.state = LeaseLook::State::another;
        look.over = over;
    } else if (look.lease.incarnation != my.incarnation) {
        look.state = LeaseLook::State::earlier_start;
        look.over = over;
    } else {
        look.state = LeaseLook::State::unanswered;
    }
    return look;
}

/// What is taken is renewed by a beat of ours, so there has to be one.
void Leases::beat_first(const Limit& limit) {
    {
        const std::lock_guard lock(state_->mutex);
        if (state_->taken != kNoBeat) return;
    }
    beat(limit);
}

bool Leases::is_held(const std::string& name) const {
    const std::lock_guard lock(state_->mutex);
    return state_->held.contains(name);
}

bool Leases::take(const LeaseLook& look, const std::string& holder, milliseconds hold,
                  const std::vector<Statement>& guards, const Limit& limit) {
    State& my = *state_;
    if (look.state == LeaseLook::State::mine || (look.state == LeaseLook::State::another && !look.over))
        throw Error(ErrorKind::internal, "a lease whose hold runs was to be taken: " + look.lease.name);
    beat_first(limit);
    const Lease wanted{.name = look.lease.name,
                       .epoch = look.lease.epoch + 1,
                       .holder = holder,
                       .host = my.host,
                       .incarnation = my.incarnation,
                       .hold = hold};
    auto transaction = look.state == LeaseLook::State::none ? my.create(wanted) : my.take(look, wanted);
    for (const auto& guard : guards) transaction.add(guard);
    return my.commit_and_hold(transaction, wanted, limit);
}

bool Leases::adopt(const LeaseLook& look, const Limit& limit) {
    State& my = *state_;
    if (look.state != LeaseLook::State::unanswered && look.state != LeaseLook::State::earlier_start)
        throw Error(ErrorKind::internal, "a lease that is not this host's was to be adopted: " + look.lease.name);
    beat_first(limit);
    {
        const std::lock_guard lock(my.mutex);
        if (my.was_given_back(look.lease)) return false;
    }
    Transaction transaction;
    transaction.vital = true;
    transaction.add(own_beat_stands(my.host, my.incarnation));
    transaction.add(Statement{
        .sql = "UPDATE lease SET incarnation = ? WHERE name = ? AND epoch = ? AND holder = ? AND host = ? "
               "AND incarnation = ?",
        .args = {my.incarnation, look.lease.name, look.lease.epoch, look.lease.holder, my.host, look.lease.incarnation},
        .expect = 1});
    transaction.add(Statement{.sql = "UPDATE beat SET n = n + 1 WHERE host = ?", .args = {my.host}});
    Lease lease = look.lease;
    lease.incarnation = my.incarnation;
    return my.commit_and_hold(transaction, lease, limit);
}

/// The rules for whoever asks again and again: an own lease of an earlier start is waited for like another's.
bool Leases::take_if_allowed(const LeaseLook& look, const std::string& holder, milliseconds hold, const Limit& limit) {
    switch (look.state) {
        case LeaseLook::State::mine: return holds(look.lease.name);
        case LeaseLook::State::another:
        case LeaseLook::State::earlier_start:
            if (!look.over) return false;
            break;
        case LeaseLook::State::unanswered:
            if (look.lease.holder == holder && adopt(look, limit)) return true;
            break;
        case LeaseLook::State::none:
        case LeaseLook::State::free: break;
    }
    return take(look, holder, hold, {}, limit);
}

bool Leases::holds(const std::string& name) const {
    const std::lock_guard lock(state_->mutex);
    return state_->trusts(name);
}

std::optional<Lease> Leases::seen(const std::string& name) const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->seen.find(name);
    return found == state_->seen.end() ? std::nullopt : std::optional(found->second);
}

Statement Leases::still_mine(const std::string& name) const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->held.find(name);
    const std::int64_t epoch = found == state_->held.end() ? -1 : found->second.epoch;
    return {.sql = "SELECT 1 FROM lease WHERE name = ? AND epoch = ? AND host = ? AND incarnation = ? AND holder <> ''",
            .args = {name, epoch, state_->host, state_->incarnation},
            .expect = 1};
}

std::optional<Statement> Leases::give_back(const std::string& name) {
    State& my = *state_;
    const std::lock_guard lock(my.mutex);
    const auto found = my.held.find(name);
    if (found == my.held.end()) return std::nullopt;
    const std::int64_t epoch = found->second.epoch;
    my.given_back[name] = std::max(my.given_back[name], epoch);
    my.held.erase(found);
    return Statement{.sql = "UPDATE lease SET holder = '' WHERE name = ? AND epoch = ? AND incarnation = ?",
                     .args = {name, epoch, my.incarnation}};
}

std::optional<nanoseconds> Leases::renewed_at(const std::string& name) const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->held.find(name);
    return found == state_->held.end() ? std::nullopt : std::optional(found->second.trusted_from);
}

std::optional<milliseconds> Leases::hold_of(const std::string& name) const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->held.find(name);
    return found == state_->held.end() ? std::nullopt : std::optional(found->second.hold);
}

/// R6: others know of the longer hold before it is trusted, and of the shorter one after it is not any more.
bool Leases::set_hold(const std::string& name, milliseconds hold, const Limit& limit) {
    State& my = *state_;
    std::int64_t epoch = 0;
    {
        const std::lock_guard lock(my.mutex);
        const auto found = my.held.find(name);
        if (found == my.held.end()) return false;
        epoch = found->second.epoch;
        found->second.hold = std::min(found->second.hold, hold);
    }
    Transaction transaction;
    transaction.vital = true;
    transaction.add(
        Statement{.sql = "UPDATE lease SET hold_ms = ? WHERE name = ? AND epoch = ? AND host = ? AND incarnation = ?",
                  .args = {std::int64_t{hold.count()}, name, epoch, my.host, my.incarnation},
                  .expect = 1});
    if (!my.store.commit(transaction, limit).committed) return false;
    const std::lock_guard lock(my.mutex);
    const auto found = my.held.find(name);
    if (found == my.held.end() || found->second.epoch != epoch) return false;
    found->second.hold = hold;
    return true;
}

void Leases::release(const LeaseLook& seen, const Limit& limit) {
    State& my = *state_;
    if (seen.lease.host != my.host && seen.state != LeaseLook::State::mine)
        throw Error(ErrorKind::internal, "a lease of another host was to be released: " + seen.lease.name);
    if (is_held(seen.lease.name)) return release(seen.lease.name, limit);
    {
        const std::lock_guard lock(my.mutex);
        auto& newest = my.given_back[seen.lease.name];
        newest = std::max(newest, seen.lease.epoch);
    }
    Transaction transaction;
    transaction.vital = true;
    transaction.add(Statement{.sql = "UPDATE lease SET holder = '' WHERE name = ? AND epoch = ? AND host = ?",
                              .args = {seen.lease.name, seen.lease.epoch, my.host}});
    my.store.commit(transaction, limit);
}

void Leases::release(const std::string& name, const Limit& limit) {
    const auto statement = give_back(name);
    if (!statement) return;
    Transaction transaction;
    transaction.vital = true;
    transaction.add(*statement);
    state_->store.commit(transaction, limit);
}

}  // namespace pgedge
