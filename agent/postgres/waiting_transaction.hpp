#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/postgres/session.hpp"
#include "common/model/link_transaction.hpp"

namespace pgedge {

/// pglogical, on the provider: the first transaction with changes that the reader of `slot` has not got and that ends
/// behind `after`. Reads through a temporary copy of the slot, so the slot itself and its reader are left alone;
/// `session` should be used for nothing else, since the copy lives as long. nullopt: nothing waits.
/// Throws Error{failed} when there is no room for one more slot.
std::optional<LinkTransaction> first_waiting(Session& session, const std::string& slot, const std::string& after,
                                             const Limit& limit);

/// Spock, on the subscriber: what its exception_log holds of this subscription and nobody has acknowledged, oldest
/// first, at most LinkSubscriber::kMostLeftOut.
std::vector<LinkTransaction> left_out_transactions(Session& session, const std::string& subscription,
                                                   const Limit& limit);

}  // namespace pgedge
