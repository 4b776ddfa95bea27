#include "agent/postgres/roles.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "agent/postgres/conf_files.hpp"
#include "agent/postgres/scram.hpp"
#include "agent/postgres/scripts.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kMaxName = 63;  ///< bytes: NAMEDATALEN - 1; PostgreSQL would cut a longer one silently
constexpr int kPostgres16 = 160000;

/// Each attribute with what CREATE ROLE does when it is not named.
const std::map<std::string, bool>& attribute_defaults() {
    static const std::map<std::string, bool> defaults{{"SUPERUSER", false}, {"CREATEDB", false}, {"CREATEROLE", false},
                                                      {"INHERIT", true},    {"LOGIN", false},    {"REPLICATION", false},
                                                      {"BYPASSRLS", false}};
    return defaults;
}

/// "NOLOGIN" → {"LOGIN", false}.
std::optional<std::pair<std::string, bool>> attribute_of(const std::string& word) {
    if (attribute_defaults().contains(word)) return std::pair(word, true);
    if (word.starts_with("NO") && attribute_defaults().contains(word.substr(2)))
        return std::pair(word.substr(2), false);
    return std::nullopt;
}

/// All attributes in words: named ones as named, the others by default.
std::string attributes_of(const WantedRole& role) {
    auto wanted = attribute_defaults();
    for (const auto& word : role.attributes)
        if (const auto attribute = attribute_of(word)) wanted[attribute->first] = attribute->second;
    std::vector<std::string> words;
    for (const auto& [name, on] : wanted) words.push_back((on ? "" : "NO") + name);
    return joined(words, " ");
}

/// Logging and tracking, and what migrations of data need. Not compute_query_id and track_activities: replication of
/// DDL needs them (docs/replication.md).
constexpr const char* kParameters[] = {"deadlock_timeout",
                                       "lo_compat_privileges",
                                       "log_duration",
                                       "log_error_verbosity",
                                       "log_executor_stats",
                                       "log_lock_waits",
                                       "log_min_duration_sample",
                                       "log_min_duration_statement",
                                       "log_min_error_statement",
                                       "log_min_messages",
                                       "log_parameter_max_length",
                                       "log_parser_stats",
                                       "log_planner_stats",
                                       "log_replication_commands",
                                       "log_statement",
                                       "log_statement_sample_rate",
                                       "log_statement_stats",
                                       "log_temp_files",
                                       "log_transaction_sample_rate",
                                       "session_replication_role",
                                       "temp_file_limit",
                                       "track_counts",
                                       "track_functions",
                                       "track_io_timing",
                                       "track_wal_io_timing",
                                       "update_process_title"};

/// 15 has eight of them, 16 ten, 17 and 18 one more each.
constexpr const char* kPredefined[] = {"pg_checkpoint",
                                       "pg_create_subscription",
                                       "pg_maintain",
                                       "pg_monitor",
                                       "pg_read_all_data",
                                       "pg_read_all_settings",
                                       "pg_read_all_stats",
                                       "pg_signal_autovacuum_worker",
                                       "pg_signal_backend",
                                       "pg_stat_scan_tables",
                                       "pg_use_reserved_connections",
                                       "pg_write_all_data"};

bool role_exists(Session& session, std::string_view name, const Limit& limit) {
    return !session.run("SELECT FROM pg_roles WHERE rolname = $1", {std::string(name)}, limit).empty();
}

std::string grant_role(Session& session, const std::string& role, const std::string& member, const Limit& limit) {
    const bool can_inherit =
        std::stoi(session.run("SHOW server_version_num", limit).value().value_or("0")) >= kPostgres16;
    return fmt::format("GRANT {} TO {}{}", session.identifier(role), session.identifier(member),
                       can_inherit ? " WITH INHERIT TRUE" : "");
}

void set_password(Session& session, const WantedRole& role, const Limit& limit) {
    const auto known = session.run("SELECT rolpassword FROM pg_authid WHERE rolname = $1", {role.name}, limit).value();
    if (known && scram_matches(*role.password, *known)) return;
    session.run(fmt::format("ALTER ROLE {} PASSWORD {}", session.identifier(role.name),
                            session.literal(scram_verifier(*role.password))),
                limit);
}

void take_memberships_back(Session& session, const WantedRole& role, const Limit& limit) {
    const auto known =
        session.run("SELECT role FROM pgedge_internal.granted WHERE member = $1 ORDER BY 1", {role.name}, limit);
    for (std::size_t i = 0; i < known.size(); ++i) {
        const auto& name = known.text(i, "role");
        if (std::find(role.roles.begin(), role.roles.end(), name) != role.roles.end()) continue;
        if (role_exists(session, name, limit))
            session.run(fmt::format("REVOKE {} FROM {}", session.identifier(name), session.identifier(role.name)),
                        limit);
        session.run("DELETE FROM pgedge_internal.granted WHERE member = $1 AND role = $2", {role.name, name}, limit);
    }
}

void grant_memberships(Session& session, const WantedRole& role, const Limit& limit) {
    for (const auto& name : role.roles) {
        if (!role_exists(session, name, limit))
            throw Error(ErrorKind::invalid_input,
                        fmt::format("user \"{}\" shall be a member of \"{}\", which does not exist", role.name,
                                    shortened(name, 100)),
                        "add it to database_users, or create it in scripts.post_init");
        session.run(grant_role(session, name, role.name, limit), limit);
        session.run("INSERT INTO pgedge_internal.granted VALUES ($1, $2) ON CONFLICT DO NOTHING", {role.name, name},
                    limit);
    }
}

}  // namespace

void check_role(const WantedRole& role) {
    if (role.name.empty() || role.name.size() > kMaxName)
        throw Error(ErrorKind::invalid_input,
                    fmt::format("user name \"{}\" is not within 1..{} bytes", shortened(role.name, 100), kMaxName));
    if (role.name == kBuiltInRole || role.name == kSuperuser || role.name == kReplicator ||
        role.name.starts_with("pg_"))
        throw Error(ErrorKind::invalid_input, "user name \"" + role.name + "\" is reserved");
    std::map<std::string, bool> named;
    for (const auto& word : role.attributes) {
        const auto attribute = attribute_of(word);
        if (!attribute)
            throw Error(ErrorKind::invalid_input,
                        fmt::format("\"{}\" is no attribute that a user can have", shortened(word, 100)));
        if (const auto [known, fresh] = named.insert(*attribute); !fresh && known->second != attribute->second)
            throw Error(ErrorKind::invalid_input,
                        fmt::format("user \"{}\" cannot be {} and NO{}", role.name, known->first, known->first));
    }
}

void ensure_system_roles(Session& session, const Limit& limit) {
    if (!role_exists(session, kReplicator, limit))
        session.run(fmt::format("CREATE ROLE {} LOGIN REPLICATION", kReplicator), limit);
    if (!role_exists(session, kBuiltInRole, limit))
        session.run(fmt::format("CREATE ROLE {} NOLOGIN", kBuiltInRole), limit);
    // What this version has, in one statement each: such a look takes the server some milliseconds.
    const auto parameters = session.run("SELECT string_agg(name, ', ') FROM pg_settings WHERE name = ANY ($1)",
                                        {fmt::format("{{{}}}", fmt::join(kParameters, ","))}, limit);
    session.run(fmt::format("GRANT SET ON PARAMETER {} TO {}", parameters.text(0, "string_agg"), kBuiltInRole), limit);
    // Granted by earlier versions.
    session.run(fmt::format("REVOKE SET ON PARAMETER compute_query_id, track_activities FROM {}", kBuiltInRole), limit);
    const auto predefined = session.run("SELECT string_agg(rolname, ', ') FROM pg_roles WHERE rolname = ANY ($1)",
                                        {fmt::format("{{{}}}", fmt::join(kPredefined, ","))}, limit);
    session.run(fmt::format("GRANT {} TO {} WITH ADMIN OPTION", predefined.text(0, "string_agg"), kBuiltInRole), limit);
}

void ensure_role(Session& session, const WantedRole& role, const Limit& limit) {
    within(fmt::format("making user \"{}\"", shortened(role.name, 100)), [&] {
        check_role(role);
        const auto name = session.identifier(role.name);
        if (!role_exists(session, role.name, limit)) session.run("CREATE ROLE " + name, limit);
        session.run("ALTER ROLE " + name + " " + attributes_of(role), limit);
        if (role.password) set_password(session, role, limit);
    });
}

void ensure_memberships(Session& session, const std::vector<WantedRole>& roles, const Limit& limit) {
    // All revokes before the first grant: two roles that change places must not be members of each other in between.
    for (const auto& role : roles) take_memberships_back(session, role, limit);
    for (const auto& role : roles)
        within(fmt::format("making user \"{}\"", shortened(role.name, 100)),
               [&] { grant_memberships(session, role, limit); });
}

std::vector<std::string> shut_out_users(Session& session, const std::vector<WantedRole>& roles, const Limit& limit) {
    std::vector<std::string> gone;
    session.run("CREATE TABLE IF NOT EXISTS pgedge_internal.users (name name PRIMARY KEY)", limit);
    for (const auto& role : roles)
        session.run("INSERT INTO pgedge_internal.users VALUES ($1) ON CONFLICT DO NOTHING", {role.name}, limit);
    const auto known = session.run("SELECT name FROM pgedge_internal.users ORDER BY 1", limit);
    for (std::size_t i = 0; i < known.size(); ++i) {
        const auto& name = known.text(i, "name");
        if (std::any_of(roles.begin(), roles.end(), [&](const WantedRole& role) { return role.name == name; }))
            continue;
        if (role_exists(session, name, limit))
            session.run(fmt::format("ALTER ROLE {} NOLOGIN", session.identifier(name)), limit);
        gone.push_back(name);
    }
    return gone;
}

void forget_user(Session& session, const std::string& name, const Limit& limit) {
    session.run("DELETE FROM pgedge_internal.users WHERE name = $1", {name}, limit);
}

void end_sessions_without_login(Session& session, const Limit& limit) {
    constexpr std::string_view kTheirs =
        "FROM pg_stat_get_activity(NULL) AS activity JOIN pg_roles AS role ON role.oid = activity.usesysid"
        " WHERE NOT role.rolcanlogin AND activity.backend_type IN ('client backend', 'walsender')";
    constexpr const char* kWait = "30000";  // ms
    if (session.run(fmt::format("SELECT pg_terminate_backend(pid, $1) {}", kTheirs), {kWait}, limit).empty()) return;
    // Asked again, because "false" says also of a session that it was gone already.
    const auto left = session.run(fmt::format("SELECT string_agg(pid::text, ', ') {}", kTheirs), limit).value();
    if (left)
        throw Error(ErrorKind::timed_out, "sessions of users that may not log in any more do not end: " + *left,
                    "look at pg_stat_activity for what they wait for");
}

void ensure_database_rights(Session& session, const std::string& database, const std::optional<std::string>& owner,
                            const std::vector<std::string>& users, std::string_view extension_schema,
                            const Limit& limit) {
    const auto name = session.identifier(database);
    if (owner) session.run(fmt::format("ALTER DATABASE {} OWNER TO {}", name, session.identifier(*owner)), limit);
    for (const auto& user : users)
        session.run(fmt::format("GRANT CONNECT ON DATABASE {} TO {}", name, session.identifier(user)), limit);
    session.run(fmt::format("GRANT ALL ON DATABASE {} TO {}", name, kBuiltInRole), limit);
    // Everybody may execute the extension's functions, most of which ask for no rights: who can reach their schema
    // reads connection strings and drops subscriptions. So this comes first.
    session.run(fmt::format("REVOKE ALL ON ALL ROUTINES IN SCHEMA {} FROM PUBLIC", extension_schema), limit);
    // Not the right to create in the extension's schema: what lies there runs as superuser.
    session.run(fmt::format("GRANT USAGE ON SCHEMA {} TO {}", extension_schema, kBuiltInRole), limit);
    // Rights of an earlier version that its owner could not restore from a dump. What scripts make in `public` belongs
    // to the owner, and what lies in the server's schemas may be used by everybody.
    session.run(fmt::format("REVOKE USAGE ON SCHEMA pg_catalog, information_schema FROM {}", kBuiltInRole), limit);
    session.run(fmt::format("GRANT ALL ON SCHEMA public TO {}", kBuiltInRole), limit);
    for (const char* kind : {"TABLES", "SEQUENCES", "FUNCTIONS"}) {
        session.run(fmt::format("GRANT ALL ON ALL {} IN SCHEMA public TO {}", kind, kBuiltInRole), limit);
        session.run(
            fmt::format("ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON {} FROM {}", kind, kBuiltInRole),
            limit);
    }
}

}  // namespace pgedge
