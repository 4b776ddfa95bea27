#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/postgres/session.hpp"

namespace pgedge {

struct WantedSubscription {
    std::string name;      ///< "sub_n1_n2"
    std::string provider;  ///< node that sends: "n1"
    std::string slot;      ///< on the provider; made beforehand
    std::string provider_dsn;
    bool enabled = true;
};

struct SubscriptionRow {
    std::string name, status, provider, provider_dsn, slot;
    bool enabled = false;
};

/// The SQL of one replication extension. Both extensions go through the same steps with other names. Stateless; every
/// call can be repeated. Sessions are of a superuser in the application's database unless said otherwise.
class ReplicationDialect {
public:
    /// "spock" or "pglogical". Throws Error{invalid_input} for another word.
    static const ReplicationDialect& of(std::string_view name);

    std::string_view name() const;           ///< also the extension's name and schema
    std::string_view output_plugin() const;  ///< "spock_output"

    /// Settings that a wrong start loses silently: conflict resolution and commit timestamps. Any database will do.
    /// Throws Error{failed} telling which and why.
    void check_settings(Session& session, const Limit& limit) const;

    /// The extension, the node and its own address.
    void ensure_node(Session& session, const std::string& node, const std::string& dsn, const Limit& limit) const;
    /// nullopt: the database is no node.
    std::optional<std::string> own_node(Session& session, const Limit& limit) const;
    std::optional<std::string> extension_version(Session& session, const Limit& limit) const;

    /// Sequences that give each node numbers of its own and, where the extension does not do it, DDL that travels and
    /// tables that join the replication sets. `ordinal`: another one on each node, also modulo 16.
    void ensure_schema_support(Session& session, int ordinal, const Limit& limit) const;

    /// As the extension names it for a subscription of `provider` in this database: "spk_…" or "pgl_…".
    std::string slot_name(Session& session, const std::string& provider, const std::string& subscription,
                          const Limit& limit) const;
    void ensure_slot(Session& provider, const std::string& slot, const Limit& limit) const;

    /// The subscription with this provider address, on or off as wanted, reading the slot from where that stands.
    void ensure_subscription(Session& session, const WantedSubscription& wanted, const Limit& limit) const;
    void drop_subscription(Session& session, const std::string& name, const Limit& limit) const;
    /// A new subscription, disabled, which will read from `start`, an LSN of the provider, or from where the slot
    /// stands when there is none. It must not exist.
    void create_waiting_subscription(Session& session, const WantedSubscription& wanted,
                                     const std::optional<std::string>& start, const Limit& limit) const;
    /// Keeps what the session does from being sent as DDL, where the extension does that itself.
    void keep_ddl_here(Session& session, const Limit& limit) const;
    /// Waits until it says "replicating". Throws Error{timed_out} with the last status.
    void wait_replicating(Session& session, const std::string& name, const Limit& limit) const;
    /// Lets an enabled subscription that is down try again now. Left alone, pglogical tries after 5 s once and then
    /// after up to 3 minutes.
    void wake_subscription(Session& session, const std::string& name, const Limit& limit) const;
    void disable_subscription(Session& session, const std::string& name, const Limit& limit) const;
    std::vector<SubscriptionRow> subscriptions(Session& session, const Limit& limit) const;

    /// Runs `work` in one transaction of which nothing is replicated. In a database that is no node: a plain
    /// transaction.
    void locally(Session& session, const Limit& limit, const std::function<void()>& work) const;

private:
    struct Names;
    explicit ReplicationDialect(const Names& names) : names_(names) {}
    static const Names& spock();
    static const Names& pglogical();
    bool is_node(Session& session, const Limit& limit) const;
    void create_subscription(Session& session, const WantedSubscription& wanted, const Limit& limit) const;
    void move_subscription(Session& session, const WantedSubscription& wanted, const Limit& limit) const;

    const Names& names_;
};

/// Takes the session's changes out of replication for as long as it lives (pglogical: by an origin of their own).
class LocalOrigin {
public:
    LocalOrigin(Session& session, const Limit& limit);
    ~LocalOrigin();
    LocalOrigin(const LocalOrigin&) = delete;
    LocalOrigin& operator=(const LocalOrigin&) = delete;

private:
    Session& session_;
};

}  // namespace pgedge
