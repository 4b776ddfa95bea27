#include "agent/store/prompt_store.hpp"

#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// A request that was not answered in time by the store is not one that took too long itself.
template <class Call>
auto promptly(const Limit& limit, std::chrono::milliseconds patience, Call&& call) {
    try {
        return call(limit.no_longer_than(patience));
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::timed_out || limit.over()) throw;
        throw Error(
            ErrorKind::unreachable, error.text(),
            error.hint().empty() ? "a majority of the voting hosts must be up and reach each other" : error.hint());
    }
}

}  // namespace

CommitResult PromptStore::commit(const Transaction& transaction, const Limit& limit) {
    return promptly(limit, patience_, [&](const Limit& soon) { return store_.commit(transaction, soon); });
}

Rows PromptStore::read(const Statement& query, Freshness freshness, const Limit& limit) {
    return promptly(limit, patience_, [&](const Limit& soon) { return store_.read(query, freshness, soon); });
}

}  // namespace pgedge
