#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/store/store.hpp"
#include "common/base/clock.hpp"
#include "common/model/lease.hpp"

namespace pgedge {

/// Leases by epoch, renewed by one beat per host. Rules R1 to R8: a contender takes a lease only after it has seen the
/// same (epoch, incarnation, beat) for the lease's whole hold on its own monotonic clock, first sight counted after its
/// own start; the holder trusts a lease for 0.6 of its hold, counted by CLOCK_BOOTTIME from before it asked. No wall
/// clock. Used for the scheduler now, for primaries later. One object per agent start; safe from any thread.
class Leases {
public:
    /// `incarnation`: boot id and a random id of this agent's start.
    Leases(Store& store, const Clock& clock, std::string host, std::string incarnation);

    const std::string& incarnation() const;
    /// One beat: renews all that this host holds. Period: a quarter of the smallest hold, and now and then, to meet the
    /// beats of other hosts, a quarter longer than that; the lease is trusted for 0.6 of it. Throws when the outcome is
    /// unknown, which is "not renewed".
    void beat(const Limit& limit);
    /// Looks at the lease and takes it when the rules allow it now. True: this agent holds it. Call it again and again;
    /// each call counts as a look.
    bool try_take(const std::string& name, const std::string& holder, std::chrono::milliseconds hold,
                  const Limit& limit);
    /// beat() and try_take() by one request: the look is part of the beat's transaction.
    bool beat_and_try_take(const std::string& name, const std::string& holder, std::chrono::milliseconds hold,
                           const Limit& limit);
    /// True while this agent may act under the lease.
    bool holds(const std::string& name) const;
    /// The lease as last seen here.
    std::optional<Lease> seen(const std::string& name) const;
    /// A guard for transactions: refused unless this agent's term of the lease is the current one.
    Statement still_mine(const std::string& name) const;
    /// Gives it back; the next contender need not wait.
    void release(const std::string& name, const Limit& limit);

    Leases(const Leases&) = delete;
    Leases& operator=(const Leases&) = delete;
    ~Leases();

private:
    Rows renew(const std::optional<Statement>& also, const Limit& limit);
    bool is_held(const std::string& name) const;
    bool decide(const std::string& name, const std::string& holder, std::chrono::milliseconds hold, const Rows& seen,
                const Limit& limit);

    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace pgedge
