#include "agent/postgres/dialect.hpp"

#include <chrono>

#include <fmt/format.h>

#include "agent/postgres/link_sql.hpp"
#include "agent/postgres/schema_support.hpp"
#include "agent/postgres/scripts.hpp"
#include "common/base/digest.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kPoll = 20ms;
constexpr auto kWakeEvery = 1s;     ///< an enabled subscription that is down is woken this often while we wait for it
constexpr auto kOriginWait = 50ms;  ///< another session of ours has the local origin
constexpr auto kResetWait = 5s;

constexpr std::string_view kSets = "{default,default_insert_only,ddl_sql}";

}  // namespace

/// How the extension calls what both of them can do.
struct ReplicationDialect::Names {
    std::string name, plugin;
    std::string node_create, sub_create, sub_drop, sub_enable, sub_disable, sub_status, slot_name;
    std::string add_interface, drop_interface, move_interface;
    bool creates_disabled = false;  ///< sub_create makes a subscription that waits, with its origin
};

const ReplicationDialect::Names& ReplicationDialect::spock() {
    static const Names names = [] {
        Names n;
        n.name = "spock";
        n.plugin = "spock_output";
        n.node_create = "SELECT spock.node_create(node_name => $1, dsn => $2)";
        n.sub_create = fmt::format(
            "SELECT spock.sub_create(subscription_name => $1, provider_dsn => $2, replication_sets => '{}', "
            "synchronize_structure => false, synchronize_data => false, forward_origins => '{{}}', enabled => false)",
            kSets);
        n.sub_drop = "SELECT spock.sub_drop($1, true)";
        n.sub_enable = "SELECT spock.sub_enable($1, true)";
        n.sub_disable = "SELECT spock.sub_disable($1, true)";
        n.sub_status = "SELECT * FROM spock.sub_show_status()";
        n.slot_name = "SELECT spock.spock_gen_slot_name(current_database(), $1::name, $2::name)";
        n.add_interface = "SELECT spock.node_add_interface($1, $2, $3)";
        n.drop_interface = "SELECT spock.node_drop_interface($1, $2)";
        n.move_interface = "SELECT spock.sub_alter_interface($1, $2)";
        n.creates_disabled = true;
        return n;
    }();
    return names;
}

const ReplicationDialect::Names& ReplicationDialect::pglogical() {
    static const Names names = [] {
        Names n;
        n.name = "pglogical";
        n.plugin = "pglogical_output";
        n.node_create = "SELECT pglogical.create_node(node_name => $1, dsn => $2)";
        n.sub_create = fmt::format(
            "SELECT pglogical.create_subscription(subscription_name => $1, provider_dsn => $2, replication_sets => "
            "'{}', "
            "synchronize_structure => false, synchronize_data => false, forward_origins => '{{}}')",
            kSets);
        n.sub_drop = "SELECT pglogical.drop_subscription($1, true)";
        n.sub_enable = "SELECT pglogical.alter_subscription_enable($1, true)";
        n.sub_disable = "SELECT pglogical.alter_subscription_disable($1, true)";
        n.sub_status = "SELECT * FROM pglogical.show_subscription_status()";
        n.slot_name = "SELECT pglogical.pglogical_gen_slot_name(current_database(), $1::name, $2::name)";
        n.add_interface = "SELECT pglogical.alter_node_add_interface($1, $2, $3)";
        n.drop_interface = "SELECT pglogical.alter_node_drop_interface($1, $2)";
        n.move_interface = "SELECT pglogical.alter_subscription_interface($1, $2)";
        return n;
    }();
    return names;
}

const ReplicationDialect& ReplicationDialect::of(std::string_view name) {
    static const ReplicationDialect with_spock(spock()), with_pglogical(pglogical());
    if (name == "spock") return with_spock;
    if (name == "pglogical") return with_pglogical;
    throw Error(ErrorKind::invalid_input, "\"" + std::string(name) + "\" is no replication extension we know");
}

std::string_view ReplicationDialect::name() const { return names_.name; }
std::string_view ReplicationDialect::output_plugin() const { return names_.plugin; }

void ReplicationDialect::check_settings(Session& session, const Limit& limit) const {
    // pglogical starts without commit timestamps, warns once and then resolves conflicts in favour of what comes in
    // last.
    const auto found = session.run(
        "SELECT current_setting($1, true) AS resolution, current_setting('track_commit_timestamp') AS stamps",
        {names_.name + ".conflict_resolution"}, limit);
    if (!found.at(0, "resolution"))
        throw Error(ErrorKind::failed, names_.name + " is not loaded", "shared_preload_libraries has to name it");
    if (found.text(0, "stamps") != "on")
        throw Error(ErrorKind::failed, "track_commit_timestamp is off: conflicts could not be resolved by time");
    if (found.text(0, "resolution") != "last_update_wins")
        throw Error(
            ErrorKind::failed,
            names_.name + ".conflict_resolution is \"" + found.text(0, "resolution") + "\": nodes would diverge",
            "it has to be last_update_wins");
}

std::optional<std::string> ReplicationDialect::extension_version(Session& session, const Limit& limit) const {
    return session.run("SELECT extversion FROM pg_extension WHERE extname = $1", {names_.name}, limit).value();
}

std::optional<std::string> ReplicationDialect::own_node(Session& session, const Limit& limit) const {
    if (!extension_version(session, limit)) return std::nullopt;
    return session
        .run(fmt::format("SELECT n.node_name FROM {0}.local_node l JOIN {0}.node n ON n.node_id = l.node_id",
                         names_.name),
             limit)
        .value();
}

bool ReplicationDialect::is_node(Session& session, const Limit& limit) const {
    return own_node(session, limit).has_value();
}

void ReplicationDialect::ensure_node(Session& session, const std::string& node, const std::string& dsn,
                                     const Limit& limit) const {
    ensure_internal_schema(session, limit);
    if (!extension_version(session, limit)) session.run("CREATE EXTENSION " + names_.name, limit);
    const auto own = own_node(session, limit);
    if (!own) {
        session.run(names_.node_create, {node, dsn}, limit);
        return;
    }
    if (*own != node)
        throw Error(ErrorKind::conflict, fmt::format("the database is already node \"{}\", not \"{}\"", *own, node));
    // Its own address is what the extension connects to when it makes subscriptions.
    const auto own_interface = fmt::format("if_id = (SELECT node_local_interface FROM {}.local_node)", names_.name);
    const auto known =
        session.run(fmt::format("SELECT if_dsn FROM {}.node_interface WHERE {}", names_.name, own_interface), limit)
            .value();
    if (known != dsn)
        session.run(fmt::format("UPDATE {}.node_interface SET if_dsn = $1 WHERE {}", names_.name, own_interface), {dsn},
                    limit);
}

void ReplicationDialect::ensure_schema_support(Session& session, int ordinal, const Limit& limit) const {
    const auto scripts = schema_support_scripts(names_.name);
    ensure_internal_schema(session, limit);
    // What is done already is known by its digest: nothing is made again until the product's own text changes, or the
    // extension's version: its update brings functions that everybody may execute, and its own queue_truncate().
    const auto mark =
        fmt::format("schema support {} of node {} with {} {}", to_hex(sha256(joined(scripts, ";"))).substr(0, 16),
                    ordinal, names_.name, extension_version(session, limit).value_or("missing"));
    if (!session.run("SELECT what FROM pgedge_internal.done WHERE what = $1", {mark}, limit).empty()) return;
    locally(session, limit, [&] {
        for (const auto& script : scripts) session.run_script(script, limit);
        session.run("DELETE FROM pgedge_internal.node", limit);
        session.run("INSERT INTO pgedge_internal.node VALUES ($1::int)", {std::to_string(ordinal)}, limit);
        session.run("SELECT pgedge_internal.adopt()", limit);
        session.run("DELETE FROM pgedge_internal.done WHERE what LIKE 'schema support %'", limit);
        session.run("INSERT INTO pgedge_internal.done VALUES ($1)", {mark}, limit);
    });
}

std::string ReplicationDialect::slot_name(Session& session, const std::string& provider,
                                          const std::string& subscription, const Limit& limit) const {
    return session.run(names_.slot_name, {provider, subscription}, limit).value().value_or("");
}

void ReplicationDialect::ensure_slot(Session& provider, const std::string& slot, const Limit& limit) const {
    const auto known = provider.run(
        "SELECT plugin, database = current_database() AS here FROM pg_replication_slots WHERE slot_name = $1", {slot},
        limit);
    if (!known.empty()) {
        if (known.at(0, "plugin") != names_.plugin || known.at(0, "here") != "t")
            throw Error(ErrorKind::conflict, "replication slot \"" + slot + "\" exists and belongs to something else");
        return;
    }
    provider.run("SELECT pg_create_logical_replication_slot($1, $2)", {slot, names_.plugin}, limit);
}

void ReplicationDialect::wake_subscription(Session& session, const std::string& name, const Limit& limit) const {
    session.run(names_.sub_enable, {name}, limit);
}

void ReplicationDialect::disable_subscription(Session& session, const std::string& name, const Limit& limit) const {
    session.run(names_.sub_disable, {name}, limit);
}

std::vector<SubscriptionRow> ReplicationDialect::subscriptions(Session& session, const Limit& limit) const {
    const auto rows = session.run(
        fmt::format("SELECT s.subscription_name, s.status, s.provider_node, s.provider_dsn, s.slot_name, c.sub_enabled "
                    "FROM ({}) s JOIN {}.subscription c ON c.sub_name = s.subscription_name ORDER BY 1",
                    names_.sub_status, names_.name),
        limit);
    std::vector<SubscriptionRow> found;
    for (std::size_t i = 0; i < rows.size(); ++i)
        found.push_back({rows.text(i, "subscription_name"), rows.at(i, "status").value_or("unknown"),
                         rows.at(i, "provider_node").value_or(""), rows.at(i, "provider_dsn").value_or(""),
                         rows.at(i, "slot_name").value_or(""), rows.at(i, "sub_enabled") == "t"});
    return found;
}

void ReplicationDialect::ensure_subscription(Session& session, const WantedSubscription& wanted,
                                             const Limit& limit) const {
    const auto find = [&]() -> std::optional<SubscriptionRow> {
        for (auto& row : subscriptions(session, limit))
            if (row.name == wanted.name) return row;
        return std::nullopt;
    };
    auto known = find();
    if (!known) {
        create_subscription(session, wanted, limit);
        known = find();
    }
    if (!known) throw Error(ErrorKind::internal, "subscription " + wanted.name + " was made and is not there");
    if (known->provider_dsn != wanted.provider_dsn) move_subscription(session, wanted, limit);
    // Each of these is a statement of its own: they fail inside a transaction block.
    if (wanted.enabled && (!known->enabled || known->status == "down"))
        session.run(names_.sub_enable, {wanted.name}, limit);
    if (!wanted.enabled && known->enabled) session.run(names_.sub_disable, {wanted.name}, limit);
}

/// Ends with a disabled subscription, marked as in sync, whose origin says "from where the slot stands". The
/// extensions' own way (enabled at once) would drop the slot that waits for us and make a new one, and lose what came
/// between.
void ReplicationDialect::create_subscription(Session& session, const WantedSubscription& wanted,
                                             const Limit& limit) const {
    // One that is left over tells how far another log was read: what comes before it in this one would be skipped.
    session.run("SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin WHERE roname = $1", {wanted.slot},
                limit);
    if (names_.creates_disabled) {
        session.run(names_.sub_create, {wanted.name, wanted.provider_dsn}, limit);
        return;
    }
    SessionTransaction transaction(session, limit);
    session.run(names_.sub_create, {wanted.name, wanted.provider_dsn}, limit);
    session.run("SELECT pglogical.alter_subscription_disable($1, false)", {wanted.name}, limit);
    session.run(
        "UPDATE pglogical.local_sync_status SET sync_status = 'r' WHERE sync_subid = (SELECT sub_id FROM "
        "pglogical.subscription WHERE sub_name = $1)",
        {wanted.name}, limit);
    session.run("SELECT pg_replication_origin_create($1)", {wanted.slot}, limit);
    transaction.commit();
}

void ReplicationDialect::create_waiting_subscription(Session& session, const WantedSubscription& wanted,
                                                     const std::optional<std::string>& start,
                                                     const Limit& limit) const {
    create_subscription(session, wanted, limit);
    if (start) session.run("SELECT pg_replication_origin_advance($1, $2::pg_lsn)", {wanted.slot, *start}, limit);
}

void ReplicationDialect::keep_ddl_here(Session& session, const Limit& limit) const {
    session.run("SET pgedge.replicate_ddl = off", limit);
    if (names_.name == "spock") session.run("SET spock.enable_ddl_replication = off", limit);
}

/// To another address of its provider: a new interface, the subscription to it, the old ones away.
void ReplicationDialect::move_subscription(Session& session, const WantedSubscription& wanted,
                                           const Limit& limit) const {
    const auto interfaces = [&](const std::string& condition) {
        return session.run(
            fmt::format("SELECT i.if_name FROM {0}.node_interface i JOIN {0}.node n ON n.node_id = i.if_nodeid "
                        "WHERE n.node_name = $1 AND {1} ORDER BY 1",
                        names_.name, condition),
            {wanted.provider, wanted.provider_dsn}, limit);
    };
    auto same = interfaces("i.if_dsn = $2");
    if (same.empty()) {
        const auto now =
            std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
        session.run(names_.add_interface,
                    {wanted.provider, fmt::format("{}_{}", wanted.provider, now.count()), wanted.provider_dsn}, limit);
        same = interfaces("i.if_dsn = $2");
    }
    const auto name = same.text(0, "if_name");
    session.run(names_.move_interface, {wanted.name, name}, limit);
    const auto others = interfaces("i.if_dsn <> $2");
    for (std::size_t i = 0; i < others.size(); ++i)
        session.run(names_.drop_interface, {wanted.provider, others.text(i, "if_name")}, limit);
}

void ReplicationDialect::drop_subscription(Session& session, const std::string& name, const Limit& limit) const {
    if (!is_node(session, limit)) return;
    // Also drops the far slot if it can be reached, and the origin here.
    session.run(names_.sub_drop, {name}, limit);
    if (names_.name == "spock") forget_progress_of_removed_nodes(session, limit);
}

void ReplicationDialect::wait_replicating(Session& session, const std::string& name, const Limit& limit) const {
    auto woken = std::chrono::steady_clock::now();
    std::string status = "missing";
    while (status != "replicating") {
        for (const auto& row : subscriptions(session, limit))
            if (row.name == name) status = row.status;
        if (status == "replicating") return;
        try {
            limit.check(fmt::format("waiting for subscription {} to replicate; it is \"{}\"", name, status));
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::timed_out) throw;
            throw Error(error.kind(), error.text(),
                        "pgedgectl status tells why a link has stopped, pgedgectl db link show what waits in it");
        }
        if (status == "down" && std::chrono::steady_clock::now() - woken > kWakeEvery) {
            wake_subscription(session, name, limit);
            woken = std::chrono::steady_clock::now();
        }
        limit.pause(kPoll);
    }
}

void ReplicationDialect::locally(Session& session, const Limit& limit, const std::function<void()>& work) const {
    const bool node = is_node(session, limit), repairs = node && names_.name == "spock";
    const auto transact = [&] {
        SessionTransaction transaction(session, limit);
        if (repairs) session.run("SELECT spock.repair_mode(true)", limit);
        if (node) session.run("SET LOCAL pgedge.keyless = local", limit);  // see agent/postgres/sql/keyless.sql
        work();
        transaction.commit();
    };
    if (!node || repairs) return transact();
    const LocalOrigin origin(session, limit);
    transact();
}

LocalOrigin::LocalOrigin(Session& session, const Limit& limit) : session_(session) {
    constexpr std::string_view kObjectInUse = "55006", kDuplicate = "42710", kUnique = "23505";
    for (;;) try {
            session.run(
                "SELECT pg_replication_origin_create('pgedge_local') WHERE NOT EXISTS (SELECT FROM "
                "pg_replication_origin WHERE roname = 'pgedge_local')",
                limit);
            session.run("SELECT pg_replication_origin_session_setup('pgedge_local')", limit);
            return;
        } catch (const SqlError& error) {
            // One session at a time may use an origin; two may try to make it.
            if (error.sqlstate() != kObjectInUse && error.sqlstate() != kDuplicate && error.sqlstate() != kUnique)
                throw;
            limit.check("waiting for local changes of another session");
            limit.pause(kOriginWait);
        }
}

LocalOrigin::~LocalOrigin() {
    try {
        session_.run("SELECT pg_replication_origin_session_reset()", Limit(kResetWait));
    } catch (const Error&) {
        // The session is lost, and the origin with it.
    }
}

}  // namespace pgedge
