#pragma once

#include <functional>
#include <map>
#include <string>

#include "agent/postgres/session.hpp"
#include "common/model/instance.hpp"

namespace pgedge {

/// Where a subscription's origin stands on the subscriber.
struct LinkOrigin {
    std::string id;          ///< pg_replication_origin.roident
    std::string remote_lsn;  ///< what of the provider is applied here
};

// What a server says of its links. Sessions are of a superuser in the application's database.

/// The logical slots of the session's database, by name.
std::map<std::string, SlotStatus> logical_slots(Session& session, const Limit& limit);
/// By name, which is that of the slot on the provider.
std::map<std::string, LinkOrigin> replication_origins(Session& session, const Limit& limit);
/// Calls `work` with how far the origin, that of `who`, has come, once nothing applies by it. Before each try `stop` is
/// called: somebody may wake the subscription in between. Object in use (55006) in any of them begins the next try.
void when_nothing_applies(Session& session, const std::string& origin, const std::string& who,
                          const std::function<void()>& stop, const std::function<void(const std::string&)>& work,
                          const Limit& limit);
/// Whether clients may write, in the words of spock.readonly where there is Spock ("off", "user", "all", "local"), else
/// what new sessions get as default_transaction_read_only. The session's own setting plays no part.
std::string read_only_for_clients(Session& session, const Limit& limit);

/// Spock's exception_log by subscription: transactions that were left out here and that nobody has acknowledged.
/// Counted anew only when something was added or acknowledged. Not thread-safe.
class DiscardedCount {
public:
    /// At most so many rows of the log are counted.
    static constexpr int kMostRows = 100'000;
    const std::map<std::string, DiscardedTransactions>& of(Session& session, const Limit& limit);

private:
    std::string counted_at_;
    std::map<std::string, DiscardedTransactions> counted_;
};

/// Spock 5 keeps a row of spock.progress for nodes that are removed; in Spock 6 that is a view.
void forget_progress_of_removed_nodes(Session& session, const Limit& limit);

}  // namespace pgedge
