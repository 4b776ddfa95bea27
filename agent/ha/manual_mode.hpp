#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/store/store.hpp"
#include "common/base/clock.hpp"

namespace pgedge {

/// A node that a user's scripts look after, by the Postgres HA API: no instance is promoted by itself. Leases, fencing
/// and the restart of servers that die go on.
struct ManualMode {
    WallTime since{}, until{};
    std::string reason;  ///< the call that began it: "DELETE instance/master"
};

/// Manual modes in the store. Functions that change return statements. Safe from any thread.
class ManualModes {
public:
    /// It ends after this time when a primary serves then.
    static constexpr std::chrono::hours kExpiry{24};

    explicit ManualModes(Store& store) : store_(store) {}

    /// nullopt as well while the cluster's data have no manual modes yet.
    std::optional<ManualMode> find(const std::string& database_id, const std::string& node, const Limit& limit,
                                   Freshness freshness = Freshness::local) const;
    /// One that is under way goes on as it is.
    static Statement begin(const std::string& database_id, const std::string& node, const std::string& reason,
                           WallTime now);
    /// Nothing happens while an operation on the database is under way, which may just have begun it, or while an
    /// instance of the node is stopped and `even_with_stopped` is not given.
    static Statement end(const std::string& database_id, const std::string& node, bool even_with_stopped = false);

private:
    Store& store_;
};

}  // namespace pgedge
