#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/run/operation_planner.hpp"

namespace pgedge {

/// The one transaction that begins an operation. Made from a draft; says afterwards what a refusal means.
class OperationRows {
public:
    /// `stored` is the database as it was drafted upon; nullptr: it is new. `secrets`: what else is to be stored.
    OperationRows(const DraftOperation& draft, const Database* stored, const std::vector<Statement>& secrets,
                  const UpdateOptions& options, WallTime now);

    const Transaction& transaction() const { return transaction_; }
    const Task& task() const { return task_; }
    const Database& database() const { return database_; }
    /// Nothing is to be carried out: the task is closed by the same transaction.
    bool ends_at_once() const { return ends_at_once_; }

    /// Why the store refused it. Errors are final; otherwise the draft is stale: make another one and try again.
    enum class Refusal { exists, busy, stale };
    Refusal refusal(std::size_t refused_by) const;

private:
    void add_database(const Database* stored);
    void add_instances(const DraftOperation& draft, const UpdateOptions& options);
    void add_log(const DraftOperation& draft);
    void add(Statement statement, std::optional<Refusal> refusal = {});

    WallTime now_;
    Task task_;
    Database database_;
    Transaction transaction_;
    std::vector<std::pair<std::size_t, Refusal>> guards_;
    bool ends_at_once_ = false;
};

}  // namespace pgedge
