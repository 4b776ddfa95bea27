#include "agent/store/local_store.hpp"

#include "agent/store/state/sql.hpp"
#include "common/base/error.hpp"

namespace pgedge {

LocalStore::LocalStore(const std::filesystem::path& file, std::int64_t level) : machine_(file), memory_(clock_) {
    raise_to(level);
    memory_.begin(machine_.newest_operation());
    feed_.fill(machine_.changes_since(0));
}

void LocalStore::raise_to(std::int64_t level) {
    const std::lock_guard lock(mutex_);
    for (auto version = machine_.schema_version(); version < level;) apply(schema_step(++version));
}

StateMachine::Applied LocalStore::apply(const Batch& batch) { return machine_.apply(machine_.applied() + 1, batch); }

CommitResult LocalStore::commit(const Transaction& transaction, const Limit& limit) {
    check(transaction);
    limit.check("writing to the store");
    const std::lock_guard lock(mutex_);
    Batch batch;
    batch.transactions.push_back(transaction);
    memory_.limit(batch, machine_.newest_operation(), machine_.revision());
    auto applied = apply(batch);
    feed_.append(applied.changes);
    auto& outcome = applied.outcomes.at(0);
    if (!outcome.failure.empty()) throw Error(ErrorKind::failed, outcome.failure);
    return std::move(outcome.result);
}

Rows LocalStore::read(const Statement& query, Freshness, const Limit& limit) {
    if (kind_of(query.sql) != StatementKind::query)
        throw Error(ErrorKind::internal, "a read of the store would change it: " + query.sql);
    limit.check("reading from the store");
    const std::lock_guard lock(mutex_);
    return machine_.connection().run(query).rows;
}

Changes LocalStore::wait_for_changes(std::int64_t since, const Limit& limit) { return feed_.wait(since, limit); }

void LocalStore::export_to(const std::filesystem::path& file) {
    const std::lock_guard lock(mutex_);
    machine_.connection().copy_to(file);
}

}  // namespace pgedge
