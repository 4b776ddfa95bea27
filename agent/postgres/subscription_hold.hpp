#pragma once

#include <string>

#include "agent/postgres/dialect.hpp"
#include "agent/postgres/session.hpp"

namespace pgedge {

/// The right to disable and enable a subscription for a while: a lock that goes with the session, and a mark that stays
/// when the session dies, so that enable_abandoned() makes up for it.
class SubscriptionHold {
public:
    /// Waits until nobody else holds it.
    SubscriptionHold(Session& session, std::string subscription, const Limit& limit);
    ~SubscriptionHold();
    SubscriptionHold(const SubscriptionHold&) = delete;
    SubscriptionHold& operator=(const SubscriptionHold&) = delete;

    void mark(const Limit& limit);    ///< before it is disabled
    void unmark(const Limit& limit);  ///< after it was enabled

private:
    Session& session_;
    const std::string subscription_;
};

/// Enables a subscription that a holder has disabled which did not live to enable it. True when it did; false when it
/// was somebody else who disabled it, or the holder is still at work.
bool enable_abandoned(Session& session, const ReplicationDialect& dialect, const std::string& subscription,
                      const Limit& limit);

}  // namespace pgedge
