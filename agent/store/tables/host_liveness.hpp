#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "agent/store/store.hpp"
#include "common/base/clock.hpp"

namespace pgedge {

/// Silence after which a host is shown as unreachable. Its agent beats every two seconds; some beats may be late, as
/// while the store finds another leader.
inline constexpr std::chrono::seconds kUnreachableAfter{8};

/// Which hosts are silent: the one judgement of that in an agent. A host is heard when its beat in the store has moved
/// (Leases::beat()); silence is measured by this agent's own monotonic clock, so no two clocks are ever compared. The
/// first sight of a host counts as a sign of life. Time in which nobody looked counts at most kLongestGap for each
/// look: an agent that was frozen, or a store without a leader, must not make all hosts look lost. Safe from any
/// thread.
class HostLiveness {
public:
    static constexpr std::chrono::seconds kLongestGap{10};

    explicit HostLiveness(const Clock& clock) : clock_(clock) {}

    /// Looks at the beats of all hosts, and of `also`, which may never have beaten. To be called every few seconds.
    /// Throws what the store throws.
    void observe(Store& store, Freshness freshness, const Limit& limit, std::set<std::string> also = {});
    /// Statuses of instances are signs of life as beats are: they come every few seconds. The name for saw().
    static std::string sign_of_instance(const std::string& instance_id) { return "instance " + instance_id; }
    /// `beat` identifies the host's last beat (incarnation and number); empty: it never beat.
    void saw(const std::string& host_id, const std::string& beat);
    std::chrono::nanoseconds silent_for(const std::string& host_id) const;  ///< zero for a host never asked about

private:
    struct Seen {
        std::string beat;
        std::chrono::nanoseconds at{};      ///< of the last look, monotonic
        std::chrono::nanoseconds silent{};  ///< until then
    };
    std::chrono::nanoseconds silence(const Seen& seen, std::chrono::nanoseconds now) const;

    const Clock& clock_;
    mutable std::mutex mutex_;
    std::map<std::string, Seen> seen_;  // guarded by mutex_
};

}  // namespace pgedge
