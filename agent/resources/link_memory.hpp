#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/postgres/link_log.hpp"
#include "agent/postgres/link_sql.hpp"
#include "common/model/instance.hpp"

namespace pgedge {

/// What was seen of the links of one server before. Their own status flips between `down` and `replicating` at every
/// try of a worker that fails at the same transaction again; a failure that is remembered stands until the link has
/// gone on past it. Not thread-safe.
class LinkMemory {
public:
    /// A worker that fails again and again is not woken more often than this.
    static constexpr std::chrono::seconds kWakeAgain{60};

    /// What the last agent knew, so that a restart forgets nothing.
    void remember(const std::vector<SubscriptionStatus>& before);
    /// True when a failure is remembered or one of `now` does not replicate: then note() needs origins and the log.
    bool needs_details(const std::vector<SubscriptionStatus>& now) const;
    /// Sets `down_since` and `failure` of each. `origins`: by slot; `failures`: of the log, oldest first.
    void note(std::vector<SubscriptionStatus>& subscriptions, const std::map<std::string, LinkOrigin>& origins,
              const std::vector<ApplyFailure>& failures, WallTime now);
    /// Its links begin anew with it; failures stay, since the transactions do.
    void server_stopped();
    /// Whether to let this one, which is down, try again now. Call it once per look, after note().
    bool shall_wake(const SubscriptionStatus& subscription, WallTime now);

private:
    struct Link {
        std::optional<WallTime> down_since, replicating_since;
        std::optional<LinkFailure> failure;
        std::string failed_at;  ///< ApplyFailure::at of the newest that is known
        std::optional<WallTime> woken_at;
    };
    static void note(SubscriptionStatus& subscription, Link& link, const LinkOrigin* origin,
                     const std::vector<ApplyFailure>& failures, WallTime now);

    std::map<std::string, Link> links_;  ///< by the subscription's name
};

/// "0/1973F60" as a number; 0 for what is no LSN.
std::uint64_t lsn_number(std::string_view text);

}  // namespace pgedge
