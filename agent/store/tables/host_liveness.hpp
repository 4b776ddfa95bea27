#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "agent/store/store.hpp"
#include "common/base/clock.hpp"

namespace pgedge {

/// Silence after which a host is shown as unreachable. Its agent beats every two seconds, one of the first version
/// every five; some beats may be late, as while the store finds another leader.
inline constexpr std::chrono::seconds kUnreachableAfter{12};

/// Which hosts are silent: the one judgement of that in an agent. A host is heard when its beat in the store has moved
/// (Leases::beat()); silence is measured by this agent's own monotonic clock, so no two clocks are ever compared. The
/// first sight of a host counts as a sign of life. Time in which nobody looked counts at most kLongestGap for each
/// look: an agent that was frozen must not take all hosts for unreachable. Safe from any thread.
class HostLiveness {
public:
    static constexpr std::chrono::seconds kLongestGap{6};
    static_assert(kLongestGap < kUnreachableAfter);
    /// What was not looked at for so long is forgotten: hosts and instances that are gone.
    static constexpr std::chrono::minutes kForgetAfter{10};

    explicit HostLiveness(const Clock& clock) : clock_(clock) {}

    /// Looks at the beats of all hosts, and of `also`, which may never have beaten. To be called every few seconds.
    /// Throws what the store throws.
    void observe(Store& store, Freshness freshness, const Limit& limit, std::set<std::string> also = {});
    /// The same for the statuses of all instances.
    void observe_instances(Store& store, Freshness freshness, const Limit& limit);
    /// The host's last beat; an empty incarnation: it never beat. A beat that is older than one seen before is that of
    /// a copy of the store that lags, and no sign of life.
    void saw(const std::string& host_id, const std::string& incarnation, std::int64_t n);
    /// The status of an instance, which its agent stores every few seconds, is a sign of life as a beat is.
    void saw_status(const std::string& instance_id, std::int64_t updated_at);

    /// What hosts are shown by. Zero for a host never asked about.
    std::chrono::nanoseconds silent_for(const std::string& host_id) const;
    std::chrono::nanoseconds no_status_for(const std::string& instance_id) const;
    /// What steps are given up by: as silent_for(), but only time counts in which the store took the beats of other
    /// hosts. While it has no leader nobody can beat, so nobody is missing.
    std::chrono::nanoseconds missing_for(const std::string& host_id) const;
    /// From now on no host is missing: for an agent that becomes the one who gives steps up.
    void begin_again();

private:
    struct Seen {
        std::string incarnation;
        std::string before;  ///< the incarnation before
        std::int64_t n = 0;
        std::chrono::nanoseconds at{};      ///< of the last look, monotonic
        std::chrono::nanoseconds silent{};  ///< until then
        std::chrono::nanoseconds heard{};   ///< in witnessed_ time
    };
    void note(const std::string& name, const std::string& incarnation, std::int64_t n);
    std::chrono::nanoseconds silence(const std::string& name) const;

    const Clock& clock_;
    mutable std::mutex mutex_;
    // Guarded by mutex_.
    std::map<std::string, Seen> seen_;
    std::chrono::nanoseconds witnessed_{};             ///< the time in which signs of life arrived in the store
    std::optional<std::chrono::nanoseconds> arrived_;  ///< when the last one was seen
};

}  // namespace pgedge
