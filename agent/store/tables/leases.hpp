#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/store/store.hpp"
#include "common/base/clock.hpp"
#include "common/model/lease.hpp"

namespace pgedge {

/// A lease as it looks from one agent at one moment: what it may do with it, and what a take is compared with.
struct LeaseLook {
    enum class State {
        none,        ///< nobody ever had it
        free,        ///< given back
        another,     ///< another host's
        mine,        ///< held
        unanswered,  ///< ours by its row, but the answer that trust needs did not come; or given back, and that is late
        earlier_start,  ///< taken by an earlier start of this host's agent
    };
    State state = State::none;
    bool over = false;       ///< of another or an earlier start: it has looked the same for its whole hold
    Lease lease;             ///< its row; of State::none, the name alone
    std::int64_t beat = -1;  ///< of the holder's start; -1: there is none
};

/// Leases by epoch, renewed by one beat per host. Rules R1 to R8: a contender takes a lease only after it has seen the
/// same (epoch, incarnation, beat) for the lease's whole hold on its own monotonic clock, first sight counted after its
/// own start; the holder trusts a lease for 0.6 of its hold, counted by CLOCK_BOOTTIME from before it asked. No wall
/// clock. Used for the scheduler and for the primaries of nodes. One object per agent start; safe from any thread.
class Leases {
public:
    /// `incarnation`: boot id and a random id of this agent's start.
    Leases(Store& store, const Clock& clock, std::string host, std::string incarnation);

    const std::string& incarnation() const;
    /// One beat: renews all that this host holds. Period: a quarter of the smallest hold, and now and then, to meet the
    /// beats of other hosts, a quarter longer than that; the lease is trusted for 0.6 of it. Throws when the outcome is
    /// unknown, which is "not renewed".
    void beat(const Limit& limit);
    /// The same, and `also` in the same transaction, without guards: what is to be known for as long as the leases
    /// hold. Left out by a beat that has to find out first which leases are still ours.
    void beat(const std::vector<Statement>& also, const Limit& limit);
    /// Looks at the lease and takes it when the rules allow it now. True: this agent holds it. Call it again and again;
    /// each call counts as a look.
    bool try_take(const std::string& name, const std::string& holder, std::chrono::milliseconds hold,
                  const Limit& limit);
    /// The same in steps, for whoever decides in between. A look at this host's copy may lag: taking compares.
    LeaseLook look(const std::string& name, const Limit& limit, Freshness freshness = Freshness::local);
    /// Takes what was seen as none, free, over, unanswered or of an earlier start whose server has ended. `guards` are
    /// part of the transaction: statements that must hold, or belong to the take. False: it changed since the look, or
    /// a guard refused. Throws when the outcome is unknown; a later look shows it.
    bool take(const LeaseLook& seen, const std::string& holder, std::chrono::milliseconds hold,
              const std::vector<Statement>& guards, const Limit& limit);
    /// Goes on with a lease of an earlier start, or one whose answer did not come, in the same term. False: it changed
    /// since the look, or this agent has given that term back.
    bool adopt(const LeaseLook& seen, const Limit& limit);
    /// Changes what others must wait for, of a lease that is held. A longer hold counts when this returns true, a
    /// shorter one at once. False: the lease is not ours any more. Throws when the outcome is unknown.
    bool set_hold(const std::string& name, std::chrono::milliseconds hold, const Limit& limit);
    /// Stops trusting the lease at once and for this term for ever, also when the statement's fate is unknown. The
    /// statement, for a transaction with what belongs to it, gives it back for others; it does nothing later than a new
    /// term. nullopt when it is not held.
    std::optional<Statement> give_back(const std::string& name);
    /// Boot time since which a held lease counts: before the last renewal that succeeded was sent. nullopt: not held.
    std::optional<std::chrono::nanoseconds> renewed_at(const std::string& name) const;
    /// What others must wait for before they take a held lease. nullopt: not held.
    std::optional<std::chrono::milliseconds> hold_of(const std::string& name) const;
    /// beat() and try_take() by one request: the look is part of the beat's transaction.
    bool beat_and_try_take(const std::string& name, const std::string& holder, std::chrono::milliseconds hold,
                           const Limit& limit);
    /// True while this agent may act under the lease.
    bool holds(const std::string& name) const;
    /// The lease as last seen here.
    std::optional<Lease> seen(const std::string& name) const;
    /// A guard for transactions: refused unless this agent's term of the lease is the current one.
    Statement still_mine(const std::string& name) const;
    /// give_back() in a transaction of its own; the next contender need not wait.
    void release(const std::string& name, const Limit& limit);
    /// The same for a lease that is this host's by its row, as it was seen: also one whose release may not have come
    /// through, or of an earlier start.
    void release(const LeaseLook& seen, const Limit& limit);

    Leases(const Leases&) = delete;
    Leases& operator=(const Leases&) = delete;
    ~Leases();

private:
    Rows renew(const Statement& query, const Limit& limit);
    void beat_first(const Limit& limit);
    bool is_held(const std::string& name) const;
    LeaseLook seen_as(const std::string& name, const Rows& rows);
    bool take_if_allowed(const LeaseLook& seen, const std::string& holder, std::chrono::milliseconds hold,
                         const Limit& limit);

    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace pgedge
