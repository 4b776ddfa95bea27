#include "agent/postgres/copied_roles.hpp"

#include <fmt/format.h>

#include "agent/postgres/conf_files.hpp"
#include "agent/postgres/roles.hpp"

namespace pgedge {
namespace {

std::string own_roles() { return fmt::format("{{{},{},{}}}", kSuperuser, kReplicator, kBuiltInRole); }

void create_missing_roles(Session& from, Session& to, const Limit& limit) {
    const auto roles = from.run(
        "SELECT rolname, concat_ws(' ', CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,"
        " CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,"
        " CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,"
        " CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,"
        " CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,"
        " CASE WHEN rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,"
        " CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END, 'CONNECTION LIMIT', rolconnlimit) AS has,"
        " rolpassword, rolvaliduntil::text AS until FROM pg_authid"
        " WHERE rolname !~ '^pg_' AND rolname <> ALL ($1::name[]) ORDER BY 1",
        {own_roles()}, limit);
    for (std::size_t i = 0; i < roles.size(); ++i) {
        const auto& name = roles.text(i, "rolname");
        if (!to.run("SELECT FROM pg_roles WHERE rolname = $1", {name}, limit).empty()) continue;
        std::string statement = fmt::format("CREATE ROLE {} {}", to.identifier(name), roles.text(i, "has"));
        if (const auto& until = roles.at(i, "until")) statement += " VALID UNTIL " + to.literal(*until);
        if (const auto& password = roles.at(i, "rolpassword")) statement += " PASSWORD " + to.literal(*password);
        within("making role " + name, [&] { to.run(statement, limit); });
    }
}

void grant_memberships_of(Session& from, Session& to, const Limit& limit) {
    // Since 16 a membership says also whether it inherits and may be set.
    const auto rows = from.run(
        "SELECT r.rolname AS role, m.rolname AS member, a.admin_option AS admin,"
        " upper(to_jsonb(a) ->> 'inherit_option') AS inherits, upper(to_jsonb(a) ->> 'set_option') AS sets"
        " FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member"
        " WHERE m.rolname !~ '^pg_' AND m.rolname <> ALL ($1::name[]) ORDER BY 1, 2",
        {own_roles()}, limit);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const bool admin = rows.text(i, "admin") == "t";
        std::string options = admin ? " WITH ADMIN OPTION" : "";
        if (const auto& inherits = rows.at(i, "inherits"))
            options = fmt::format(" WITH ADMIN {}, INHERIT {}, SET {}", admin ? "TRUE" : "FALSE", *inherits,
                                  rows.at(i, "sets").value_or("TRUE"));
        to.run(fmt::format("GRANT {} TO {}{}", to.identifier(rows.text(i, "role")),
                           to.identifier(rows.text(i, "member")), options),
               limit);
    }
}

/// As they are: ALTER … SET would have to know which parameters are lists.
void copy_settings(Session& from, Session& to, const std::string& database, const Limit& limit) {
    const auto rows = from.run(
        "SELECT d.datname AS database, r.rolname AS role, s.setconfig::text AS settings FROM pg_db_role_setting s"
        " LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole"
        " WHERE (s.setdatabase = 0 OR d.datname = $1) AND (s.setrole = 0 OR r.rolname <> ALL ($2::name[]))",
        {database, own_roles()}, limit);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        constexpr auto kPlace =
            "coalesce((SELECT oid FROM pg_database WHERE datname = $1), 0) AS database,"
            " coalesce((SELECT oid FROM pg_roles WHERE rolname = $2), 0) AS role";
        const std::vector<PgValue> place{rows.at(i, "database"), rows.at(i, "role")};
        to.run(fmt::format("DELETE FROM pg_db_role_setting USING (SELECT {}) AS place"
                           " WHERE setdatabase = place.database AND setrole = place.role",
                           kPlace),
               place, limit);
        to.run(fmt::format("INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig)"
                           " SELECT place.database, place.role, $3::text[] FROM (SELECT {}) AS place",
                           kPlace),
               {place[0], place[1], rows.text(i, "settings")}, limit);
    }
}

void copy_rights(Session& from, Session& to, const std::string& database, const Limit& limit) {
    const auto rights = from.run(
        "SELECT r.rolname AS role, a.privilege_type AS name, a.is_grantable AS grants"
        " FROM pg_database d, aclexplode(d.datacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee"
        " WHERE d.datname = $1 AND (a.grantee = 0 OR r.oid IS NOT NULL)",
        {database}, limit);
    if (rights.empty()) return;  // the same as a new database has
    to.run(fmt::format("REVOKE ALL ON DATABASE {} FROM PUBLIC", to.identifier(database)), limit);
    for (std::size_t i = 0; i < rights.size(); ++i) {
        const auto& role = rights.at(i, "role");
        to.run(fmt::format("GRANT {} ON DATABASE {} TO {}{}", rights.text(i, "name"), to.identifier(database),
                           role ? to.identifier(*role) : "PUBLIC",
                           rights.text(i, "grants") == "t" ? " WITH GRANT OPTION" : ""),
               limit);
    }
}

}  // namespace

void copy_roles(Session& from, Session& to, const std::string& database, const Limit& limit) {
    SessionTransaction transaction(to, limit);
    // Verifiers of passwords are in the statements, and not for the server's log.
    for (const char* setting :
         {"log_statement = none", "log_min_error_statement = panic", "log_min_duration_statement = -1",
          "log_min_duration_sample = -1", "log_transaction_sample_rate = 0"})
        to.run(fmt::format("SET LOCAL {}", setting), limit);
    create_missing_roles(from, to, limit);
    grant_memberships_of(from, to, limit);
    copy_settings(from, to, database, limit);
    copy_rights(from, to, database, limit);
    transaction.commit();
}

}  // namespace pgedge
