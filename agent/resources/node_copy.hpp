#pragma once

#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/postgres/connection.hpp"
#include "agent/postgres/dialect.hpp"
#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

class CopiedTables;

/// Whether the node of the session's database has what the others had when it was added.
bool has_data_of_others(Session& session, const Limit& limit);

/// Fills the database of a new node, on its primary, which is on this host. The order, and why nothing is lost and
/// nothing comes twice, is in docs/replication.md ("Adding a node"). The other nodes are reached as the node's own
/// server reaches them.
class NodeCopy {
public:
    /// `want` is that of `database.node_data`. Connects to all nodes; ends what an earlier try left in them. Throws
    /// Error{unreachable} when one does not answer.
    NodeCopy(Runtime& runtime, const Json& want, StepContext& context);
    /// The copy. Nothing to do when it is done.
    void make();
    /// Follows the others, until it has what they had committed when this began.
    void catch_up();

private:
    /// A node that stands.
    struct Other {
        std::string name, dsn;
        std::string subscription, slot;  ///< of the new node to it
        Connection session;
        std::string timeline;  ///< of its server's log
    };
    /// The source at one moment: what it had applied of each other node, and its own position.
    struct Moment {
        std::string snapshot;
        std::map<std::string, std::string> starts;  ///< LSN by node; none: where the slot stands
    };

    ConnectOptions options_for(const Json& node) const;
    Connection connect(const Json& node) const;
    bool is_source(const Other& other) const { return other.name == source_; }
    const Json& source_want() const;
    Other& source();
    void check_all_is_dumped();
    void check_nothing_left_out();
    void clear();
    void wait_for_source();
    Moment freeze(Connection& holder);
    std::optional<Moment> try_to_freeze(Connection& holder, const std::vector<SubscriptionRow>& subscriptions);
    std::map<std::string, std::string> applied_by_source();
    void create_subscriptions(const Moment& moment);
    void copy_in_one_transaction(CopiedTables& tables, const std::string& structure, const std::string& rest);
    void check_slots_go_on();
    std::string dump(const std::string& section, const Moment& moment);

    void wait_confirmed(Session& provider, const std::string& slot, const std::string& lsn, const std::string& what);

    Runtime& runtime_;
    const Json& want_;
    StepContext& context_;
    const Limit& limit_;
    const ReplicationDialect& dialect_;
    const std::string node_, source_, database_;
    const ServerSpec server_;
    Connection own_;
    std::list<Other> others_;
};

}  // namespace pgedge
