#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/store/store.hpp"
#include "common/base/json.hpp"
#include "common/base/limit.hpp"
#include "common/model/database.hpp"
#include "common/model/task.hpp"
#include "common/orchestrate/restore_wish.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {

/// A planned operation that was not begun: what `pgedgectl plan` shows and saves.
struct PlannedOperation {
    std::string type;  ///< create, update, delete or restore
    std::string database_id;
    std::int64_t base_revision = 0;  ///< of the database; 0: it does not exist
    Plan plan;
    std::string digest;                 ///< SHA-256 of type, id, revision, spec (secrets as fingerprints) and plan
    std::vector<std::string> warnings;  ///< e.g. what the dialect lacks
};

struct StartedOperation {
    Task task;
    Database database;
};

struct UpdateOptions {
    bool force_update = false;
    std::vector<std::string> remove_hosts;       ///< treated as gone
    std::optional<std::string> expected_digest;  ///< of a saved plan: Error stale_plan when planning gives another
    std::optional<RestoreWish> restore{};        ///< data of a backup for nodes that stand
};

/// A restore in place. A repository without a type is the first one of the source node's backup_config.
struct RestoreRequest {
    RestoreConfigSpec config;        ///< its secrets may be given as texts
    std::vector<std::string> nodes;  ///< empty: all
    bool force = false;              ///< also when the database is not in a state for it
};

/// What one host does as a part of it.
struct HostWork {
    std::string kind;     ///< of WorkKinds
    std::string host_id;  ///< who does it
    Json arguments = Json::object();
};

/// Something that one host does for a database without changing what is wanted: a task of one step, or of
/// several, one after the other. One with a due time has one, and does not hold the operation lock until then.
struct DatabaseWork {
    std::string type;                        ///< of the task: "skip_transaction"
    std::string kind;                        ///< of WorkKinds
    std::string host_id;                     ///< who does it; empty: who has the node's primary when it begins
    std::string node_name{}, instance_id{};  ///< whom it concerns, for the task
    Json arguments = Json::object();
    std::string about{};            ///< the first line of the task's log
    std::optional<WallTime> due{};  ///< nullopt: at once
    std::vector<HostWork> then{};   ///< each when the one before is done; not with a due time
    std::vector<Statement> with{};  ///< stored in the same transaction as the task; not with a due time
};

/// What can be done to databases: checks against the cluster, plans, stores plan and task in one transaction, and
/// leaves the work to the engine. Every entry of the product (HTTP API, CLI) comes through here. Safe from any thread.
class Operations {
public:
    virtual ~Operations() = default;
    /// A missing id becomes a random one. Throws database_already_exists, invalid_input ("got invalid host ids: …").
    virtual StartedOperation create(const DatabaseDocument& wanted, const UpdateOptions& options,
                                    const Limit& limit) = 0;
    /// Omitted secrets and versions keep their stored values. Throws not_found, database_not_modifiable,
    /// operation_already_in_progress, invalid_input ("database name cannot be changed").
    virtual StartedOperation update(const std::string& id, const DatabaseDocument& wanted, const UpdateOptions& options,
                                    const Limit& limit) = 0;
    virtual Task remove(const std::string& id, bool force, const UpdateOptions& options, const Limit& limit) = 0;
    /// Throws not_found, database_not_modifiable, operation_already_in_progress, invalid_input.
    virtual StartedOperation restore(const std::string& id, const RestoreRequest& request, const Limit& limit) = 0;
    /// Throws not_found, operation_already_in_progress.
    virtual Task begin(const std::string& database_id, const DatabaseWork& work, const Limit& limit) = 0;
    virtual Task cancel(const std::string& database_id, const std::string& task_id, const Limit& limit) = 0;

    /// Dry run of create or update (whichever it would be). Nothing is stored.
    virtual PlannedOperation plan(const DatabaseDocument& wanted, const UpdateOptions& options, const Limit& limit) = 0;
    virtual PlannedOperation plan_removal(const std::string& id, const UpdateOptions& options, const Limit& limit) = 0;
};

}  // namespace pgedge
