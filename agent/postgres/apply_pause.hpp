#pragma once

#include <list>
#include <string>
#include <vector>

#include "agent/postgres/subscription_hold.hpp"

namespace pgedge {

/// Nothing of other nodes is applied in a database for as long as this lives. Its clients are not held up, and what the
/// others send waits with them. When this process dies, the database's own agent ends the pause (enable_abandoned()).
class ApplyPause {
public:
    /// `subscriptions` are all of the database. Waits until their workers have ended; throws Error{conflict} when one
    /// is disabled already, Error{timed_out}.
    ApplyPause(Session& session, const ReplicationDialect& dialect, const std::vector<SubscriptionRow>& subscriptions,
               const Limit& limit);
    ~ApplyPause();
    ApplyPause(const ApplyPause&) = delete;
    ApplyPause& operator=(const ApplyPause&) = delete;
    void end(const Limit& limit);

private:
    void stop(const SubscriptionRow& subscription, const Limit& limit);
    void end_quietly();

    Session& session_;
    const ReplicationDialect& dialect_;
    struct Stopped {
        Stopped(Session& session, std::string subscription, const Limit& limit)
            : name(subscription), hold(session, std::move(subscription), limit) {}
        std::string name;
        SubscriptionHold hold;
    };
    std::list<Stopped> stopped_;
};

}  // namespace pgedge
