#include "agent/store/local_store.hpp"

#include "common/base/error.hpp"

namespace pgedge {

LocalStore::LocalStore(const std::filesystem::path& file) : connection_(file), committer_(connection_, feed_, clock_) {
    committer_.prepare();
}

CommitResult LocalStore::commit(const Transaction& transaction, const Limit& limit) {
    check(transaction);
    limit.check("writing to the store");
    const std::lock_guard lock(mutex_);
    Outcome outcome;
    try {
        outcome = committer_.alone(transaction);
    } catch (const Error&) {
        try {
            connection_.execute("ROLLBACK");
        } catch (const SqliteError&) {
            // SQLite has undone it already, e.g. on a full disk
        }
        throw;
    }
    if (!outcome.failure.empty()) throw Error(ErrorKind::failed, outcome.failure);
    return std::move(outcome.result);
}

Rows LocalStore::read(const Statement& query, Freshness, const Limit& limit) {
    if (kind_of(query.sql) != StatementKind::query)
        throw Error(ErrorKind::internal, "a read of the store would change it: " + query.sql);
    limit.check("reading from the store");
    const std::lock_guard lock(mutex_);
    return connection_.run(query).rows;
}

Changes LocalStore::wait_for_changes(std::int64_t since, const Limit& limit) { return feed_.wait(since, limit); }

void LocalStore::export_to(const std::filesystem::path& file) {
    const std::lock_guard lock(mutex_);
    connection_.copy_to(file);
}

}  // namespace pgedge
