#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/run/operation_planner.hpp"
#include "agent/store/tables/cluster_level.hpp"
#include "agent/store/tables/secrets.hpp"

namespace pgedge {

/// Operations on the cluster's store. What it refuses it refuses before anything is stored; what it stores, it stores
/// in one transaction: from then on any agent can carry it through. Safe from any thread.
class StoredOperations final : public Operations {
public:
    StoredOperations(Store& store, const Secrets& secrets, OperationPlanner& planner, const Clock& clock)
        : store_(store), secrets_(secrets), planner_(planner), clock_(clock), level_(store) {}

    StartedOperation create(const DatabaseDocument& wanted, const UpdateOptions& options, const Limit& limit) override;
    StartedOperation update(const std::string& id, const DatabaseDocument& wanted, const UpdateOptions& options,
                            const Limit& limit) override;
    Task remove(const std::string& id, bool force, const UpdateOptions& options, const Limit& limit) override;
    StartedOperation restore(const std::string& id, const RestoreRequest& request, const Limit& limit) override;
    Task begin(const std::string& database_id, const DatabaseWork& work, const Limit& limit) override;
    Task cancel(const std::string& database_id, const std::string& task_id, const Limit& limit) override;
    PlannedOperation plan(const DatabaseDocument& wanted, const UpdateOptions& options, const Limit& limit) override;
    PlannedOperation plan_removal(const std::string& id, const UpdateOptions& options, const Limit& limit) override;

private:
    /// Ports, revisions and locks are settled by the store; who loses such a race looks again, so often at most.
    static constexpr int kMaxTries = 8;

    /// A wanted database whose secrets are references, and the statements that store their texts.
    struct Sealed {
        Database database;
        std::vector<Statement> secrets;
    };
    enum class Stored { yes, try_again };

    Database found(const std::string& id, const Limit& limit) const;
    void refuse_when_busy(const std::string& id, const Limit& limit) const;
    Sealed new_database(const std::string& id, const DatabaseDocument& wanted) const;
    Sealed changed_database(const Database& stored, const DatabaseDocument& wanted) const;
    std::vector<Statement> seal(Database& database) const;
    RestoreWish sealed_restore(const Database& stored, const RestoreRequest& request,
                               std::vector<Statement>& secrets) const;
    DraftOperation drafted(const std::string& type, const Database& wanted, const Database* stored,
                           const UpdateOptions& options, const Limit& limit) const;
    Stored store(const DraftOperation& draft, const Database* stored, const std::vector<Statement>& secrets,
                 const UpdateOptions& options, StartedOperation& started, const Limit& limit) const;

    Store& store_;
    const Secrets& secrets_;
    OperationPlanner& planner_;
    const Clock& clock_;
    LevelGate level_;
};

}  // namespace pgedge
