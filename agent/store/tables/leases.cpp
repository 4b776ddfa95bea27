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

struct Look {
    Lease lease;
    Sight sight;
};

Statement look_at(const std::string& name) {
    return {.sql =
                "SELECT l.epoch, l.holder, l.host, l.incarnation, l.hold_ms, b.n FROM lease l "
                "LEFT JOIN beat b ON b.host = l.host AND b.incarnation = l.incarnation WHERE l.name = ?",
            .args = {name}};
}

/// What look_at() found; nothing when nobody ever had the lease.
std::optional<Look> look_from(const std::string& name, const Rows& rows) {
    if (rows.empty()) return std::nullopt;
    const auto& row = rows[0];
    Look look;
    look.lease = {.name = name,
                  .epoch = row.integer(0),
                  .holder = row.text(1),
                  .host = row.text(2),
                  .incarnation = row.text(3),
                  .hold = milliseconds(row.integer(4))};
    look.sight = {look.lease.epoch, row.null(5) ? kNoBeat : row.integer(5), look.lease.incarnation};
    return look;
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

    bool trusts(const std::string& name) const {
        const auto found = held.find(name);
        return found != held.end() &&
               clock.boottime() < found->second.trusted_from + nanoseconds(found->second.hold) * 6 / 10;
    }
    /// True when the lease has looked the same for its whole hold. `now` is a time after the look.
    bool is_overdue(const Look& look, nanoseconds now) {
        auto& watch = watched[look.lease.name];
        if (watch.since == nanoseconds(0) || watch.sight != look.sight) watch = {look.sight, now};
        return now - watch.since >= look.lease.hold;
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

    bool create(const Lease& wanted, const Limit& limit);
    bool take(const Look& look, const Lease& wanted, const Limit& limit);
    bool adopt(const Lease& lease, const Limit& limit);
    std::optional<Rows> beat_undisputed(const std::optional<Statement>& also, const Limit& limit);
    Rows beat_and_compare(const std::optional<Statement>& also, const Limit& limit);
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

bool Leases::State::create(const Lease& wanted, const Limit& limit) {
    Transaction transaction;
    transaction.vital = true;
    transaction.add(own_beat_stands(host, incarnation));
    transaction.add(
        Statement{.sql = "INSERT INTO lease(name, epoch, holder, host, incarnation, hold_ms) VALUES (?, 1, ?, ?, ?, ?) "
                         "ON CONFLICT(name) DO NOTHING",
                  .args = {wanted.name, wanted.holder, host, incarnation, std::int64_t{wanted.hold.count()}},
                  .expect = 1});
    return commit_and_hold(transaction, wanted, limit);
}

/// R2, R3: compare and set. The beat that we saw is part of the comparison, so a stale look takes nothing.
bool Leases::State::take(const Look& look, const Lease& wanted, const Limit& limit) {
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
        .args = {wanted.holder, host, incarnation, std::int64_t{wanted.hold.count()}, wanted.name, look.sight.epoch,
                 look.sight.incarnation, look.sight.beat},
        .expect = 1});
    return commit_and_hold(transaction, wanted, limit);
}

/// A take of ours whose answer was lost: the row is ours already, but trust needs an answer.
bool Leases::State::adopt(const Lease& lease, const Limit& limit) {
    Transaction transaction;
    transaction.vital = true;
    transaction.add(own_beat_stands(host, incarnation));
    transaction.add(
        Statement{.sql = "SELECT 1 FROM lease WHERE name = ? AND epoch = ? AND host = ? AND incarnation = ?",
                  .args = {lease.name, lease.epoch, host, incarnation},
                  .expect = 1});
    transaction.add(Statement{.sql = "UPDATE beat SET n = n + 1 WHERE host = ?", .args = {host}});
    return commit_and_hold(transaction, lease, limit);
}

Leases::Leases(Store& store, const Clock& clock, std::string host, std::string incarnation)
    : state_(new State{.store = store,
                       .clock = clock,
                       .host = std::move(host),
                       .incarnation = std::move(incarnation),
                       .mutex = {},
                       .held = {},
                       .watched = {},
                       .seen = {}}) {}

Leases::~Leases() = default;

const std::string& Leases::incarnation() const { return state_->incarnation; }

void Leases::beat(const Limit& limit) { renew(std::nullopt, limit); }

/// One beat; returns the rows of `also`, a query of the same transaction.
Rows Leases::renew(const std::optional<Statement>& also, const Limit& limit) {
    auto seen = state_->beat_undisputed(also, limit);
    return seen ? std::move(*seen) : state_->beat_and_compare(also, limit);
}

/// The beat of almost always, in one statement: nobody took a lease of ours since all of them were compared, so it
/// renews them. nullopt: somebody may have. A take's answer may come after the lease was taken from us again, and after
/// the comparison that saw it; so what is new has to be compared first.
std::optional<Rows> Leases::State::beat_undisputed(const std::optional<Statement>& also, const Limit& limit) {
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
    if (also) transaction.add(*also);
    const auto asked = clock.boottime();
    auto result = store.commit(transaction, limit);
    if (!result.committed) return std::nullopt;
    const std::lock_guard lock(mutex);
    for (const auto& [name, old] : before) renewed(name, old.epoch, asked);
    return also ? std::move(result.rows.at(1)) : Rows();
}

/// A beat that finds out which leases are still ours.
Rows Leases::State::beat_and_compare(const std::optional<Statement>& also, const Limit& limit) {
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
    if (also) transaction.add(*also);
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
    return also ? std::move(result.rows.at(2)) : Rows();
}

bool Leases::try_take(const std::string& name, const std::string& holder, milliseconds hold, const Limit& limit) {
    if (is_held(name)) return holds(name);
    return decide(name, holder, hold, state_->store.read(look_at(name), Freshness::leader, limit), limit);
}

bool Leases::beat_and_try_take(const std::string& name, const std::string& holder, milliseconds hold,
                               const Limit& limit) {
    if (is_held(name)) {
        beat(limit);
        if (is_held(name)) return holds(name);
    }
    return decide(name, holder, hold, renew(look_at(name), limit), limit);
}

bool Leases::is_held(const std::string& name) const {
    const std::lock_guard lock(state_->mutex);
    return state_->held.contains(name);
}

/// What follows from a look at a lease that this host does not hold.
bool Leases::decide(const std::string& name, const std::string& holder, milliseconds hold, const Rows& seen,
                    const Limit& limit) {
    State& my = *state_;
    const auto look = look_from(name, seen);
    bool overdue = false, registered = false;
    {
        const std::lock_guard lock(my.mutex);
        registered = my.taken != kNoBeat;
        if (look) {
            my.seen[name] = look->lease;
            overdue = my.is_overdue(*look, my.clock.monotonic());
        }
    }
    const bool own = look && look->lease.host == my.host && look->lease.incarnation == my.incarnation;
    const bool released = look && look->lease.holder.empty();
    if (look && !own && !released && !overdue) return false;
    if (!registered) beat(limit);
    if (own && !released && look->lease.holder == holder) return my.adopt(look->lease, limit);
    const Lease wanted{.name = name,
                       .epoch = look ? look->lease.epoch + 1 : 1,
                       .holder = holder,
                       .host = my.host,
                       .incarnation = my.incarnation,
                       .hold = hold};
    if (!look) return my.create(wanted, limit);
    return (released || overdue) && my.take(*look, wanted, limit);
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

void Leases::release(const std::string& name, const Limit& limit) {
    State& my = *state_;
    std::int64_t epoch = 0;
    {
        const std::lock_guard lock(my.mutex);
        const auto found = my.held.find(name);
        if (found == my.held.end()) return;
        epoch = found->second.epoch;
        my.held.erase(found);  // first of all: from here on nobody acts under it
    }
    Transaction transaction;
    transaction.vital = true;
    transaction.add(Statement{.sql = "UPDATE lease SET holder = '' WHERE name = ? AND epoch = ? AND incarnation = ?",
                              .args = {name, epoch, my.incarnation}});
    my.store.commit(transaction, limit);
}

}  // namespace pgedge
