#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/postgres/dialect.hpp"
#include "agent/postgres/session.hpp"
#include "common/model/link_transaction.hpp"

namespace pgedge {

/// What skip_transaction() is to do. `transaction` is as first_waiting() or left_out_transactions() gave it.
struct TransactionSkip {
    std::string subscription, slot;
    LinkTransaction transaction;
    /// pglogical: the first transaction that waits behind a position, asked of the provider.
    std::function<std::optional<LinkTransaction>(const std::string& after)> first_waiting;
    std::function<void(std::string_view message)> tell;  ///< for the user's task log
};

/// Leaves one transaction of the provider out on this subscriber, and nothing else: refuses when the link stands at
/// another one by now. A transaction that Spock has left out itself is acknowledged. Can be repeated: a transaction
/// that is passed already is not passed again. While it works the subscription is disabled under a mark, which
/// enable_abandoned() sees when this agent dies in between. Throws Error{conflict} when it is another transaction.
void skip_transaction(Session& session, const ReplicationDialect& dialect, const TransactionSkip& skip,
                      const Limit& limit);

}  // namespace pgedge
