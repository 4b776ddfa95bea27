#pragma once

#include <optional>
#include <string>

#include "agent/ha/ha_table.hpp"
#include "agent/store/tables/cluster_level.hpp"
#include "agent/store/tables/host_liveness.hpp"

namespace pgedge {

/// Another primary for a node, as somebody asks for it.
struct HaWish {
    std::string database_id, node;
    std::string candidate{};        ///< instance id; empty: the best
    std::optional<WallTime> due{};  ///< of a switchover; nullopt: at once
    bool skip_validation = false;   ///< of a failover: although all is well, and whatever may be lost
};

/// What can be asked of high availability: checks the wish, and stores it as a request with a task, which the agents of
/// the node's instances answer. Beside the operations of the database. Safe from any thread.
class HaOperations {
public:
    HaOperations(Store& store, const Clock& clock, HostLiveness* liveness = nullptr)
        : store_(store), clock_(clock), liveness_(liveness), level_(store) {}

    /// Throws not_found (database, node), invalid_input (candidate, time, a node that has no other instance),
    /// database_not_modifiable, operation_already_in_progress.
    Task switchover(const HaWish& wish, const Limit& limit);
    /// The same. Its task has failed when nothing is wrong with the node and skip_validation is not given.
    Task failover(const HaWish& wish, const Limit& limit);
    /// Maintenance: for so long nothing of the node is started, stopped or promoted that nobody asked for. Returns when
    /// it ends. Throws not_found, invalid_input (a node that has no other instance).
    WallTime pause(const std::string& database_id, const std::string& node, std::chrono::seconds duration,
                   const Limit& limit);
    /// Ends it; nothing to do when there is none. Throws the same.
    void resume(const std::string& database_id, const std::string& node, const Limit& limit);
    /// False: no task of this kind waits under this id.
    bool cancel(const std::string& task_id, const Limit& limit);

private:
    Task begin(const HaWish& wish, HaRequest request, const Limit& limit);
    void check(const HaWish& wish, const HaNode& node, const Limit& limit) const;
    void check_managed(const std::string& database_id, const std::string& name, const HaNode& node,
                       const Limit& limit) const;
    bool is_healthy(const HaWish& wish, const HaNode& node, const Limit& limit) const;

    Store& store_;
    const Clock& clock_;
    HostLiveness* liveness_;
    LevelGate level_;
};

}  // namespace pgedge
