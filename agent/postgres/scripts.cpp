#include "agent/postgres/scripts.hpp"

#include <fmt/format.h>

namespace pgedge {
namespace {

constexpr const char* kTables[] = {
    "CREATE SCHEMA IF NOT EXISTS pgedge_internal",
    "REVOKE ALL ON SCHEMA pgedge_internal FROM PUBLIC",
    "GRANT USAGE ON SCHEMA pgedge_internal TO PUBLIC",
    "CREATE TABLE IF NOT EXISTS pgedge_internal.node (ordinal int NOT NULL)",
    "GRANT SELECT ON pgedge_internal.node TO PUBLIC",
    "CREATE TABLE IF NOT EXISTS pgedge_internal.granted (member name, role name, PRIMARY KEY (member, role))",
    "CREATE TABLE IF NOT EXISTS pgedge_internal.done (what text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
};

constexpr const char* kHandOver = R"sql(
WITH mine AS (
    SELECT 'pg_class'::regclass AS class, c.oid AS id, c.relnamespace AS schema, c.oid::regclass::text AS name,
           CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                          WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END AS kind
      FROM pg_class c WHERE c.relowner = session_user::regrole AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                       AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND c.relkind = 'S')
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, t.typnamespace, t.oid::regtype::text, CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END
      FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
     WHERE t.typowner = session_user::regrole AND (t.typtype IN ('d', 'e', 'r') OR c.relkind = 'c')
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, p.pronamespace, p.oid::regprocedure::text, 'ROUTINE'
      FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
     WHERE p.proowner = session_user::regrole AND NOT p.prosecdef AND (l.lanpltrusted OR p.prokind = 'a')
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, s.oid, s.stxnamespace, format('%I.%I', n.nspname, s.stxname), 'STATISTICS'
      FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE s.stxowner = session_user::regrole
    UNION ALL
    SELECT 'pg_namespace'::regclass, n.oid, n.oid, format('%I', n.nspname), 'SCHEMA'
      FROM pg_namespace n WHERE n.nspowner = session_user::regrole)
SELECT format('ALTER %s %s OWNER TO %I', m.kind, m.name, $1::text) AS statement
  FROM mine m JOIN pg_namespace n ON n.oid = m.schema
 WHERE m.id >= 16384 AND n.nspname <> 'pgedge_internal' AND n.nspname !~ '^pg_'
   AND NOT EXISTS (SELECT FROM pg_extension x WHERE x.extnamespace = m.id AND m.kind = 'SCHEMA')
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = m.class AND d.objid = m.id AND d.deptype = 'e')
)sql";

}  // namespace

void ensure_internal_schema(Session& session, const Limit& limit) {
    if (session.run("SELECT to_regclass('pgedge_internal.done') IS NOT NULL", limit).yes()) return;
    SessionTransaction transaction(session, limit);
    for (const char* statement : kTables) session.run(statement, limit);
    transaction.commit();
}

bool is_script_done(Session& session, const std::string& name, const Limit& limit) {
    return !session.run("SELECT what FROM pgedge_internal.done WHERE what = $1", {"script " + name}, limit).empty();
}

void run_script_once(Session& session, const std::string& name, const std::vector<std::string>& statements,
                     const Limit& limit) {
    // Also without a statement: the note keeps a script that a later update brings from running on data that is in use.
    ensure_internal_schema(session, limit);
    SessionTransaction transaction(session, limit);
    if (is_script_done(session, name, limit)) return;
    // As a script finds it anywhere; and a statement may hold a secret, which the server's log must not tell.
    for (const char* setting : {"search_path = \"$user\", public", "log_statement = none",
                                "log_min_error_statement = panic", "log_min_duration_statement = -1"})
        session.run(fmt::format("SET LOCAL {}", setting), limit);
    const auto transaction_id = [&] { return session.run("SELECT pg_catalog.pg_current_xact_id()", limit).value(); };
    const auto ours = transaction_id();
    for (std::size_t i = 0; i < statements.size(); ++i) {
        // By number: the statement's text may hold a secret.
        within(fmt::format("running statement {} of {}", i + 1, name), [&] {
            session.run(statements[i], limit);
            if (!session.in_transaction() || transaction_id() != ours)
                throw Error(ErrorKind::invalid_input, "the statement ended the transaction that the script runs in");
        });
    }
    within(fmt::format("noting that {} is done", name), [&] {
        // The script may have taken another role.
        for (const char* ourselves : {"SET SESSION AUTHORIZATION DEFAULT", "SET ROLE NONE"})
            session.run(ourselves, limit);
        session.run("INSERT INTO pgedge_internal.done VALUES ($1)", {"script " + name}, limit);
    });
    within("committing " + name, [&] { transaction.commit(); });  // what constraints had deferred fails here
}

void hand_over_once(Session& session, const std::string& owner, const Limit& limit) {
    const std::string done = "objects of scripts belong to the owner";
    if (!session.run("SELECT what FROM pgedge_internal.done WHERE what = $1", {done}, limit).empty()) return;
    within("giving the objects of scripts to the database's owner", [&] {
        session.run("SET LOCAL pgedge.replicate_ddl = off", limit);
        const auto statements = session.run(kHandOver, {owner}, limit);
        for (std::size_t i = 0; i < statements.size(); ++i) session.run(statements.text(i, "statement"), limit);
        session.run("INSERT INTO pgedge_internal.done VALUES ($1)", {done}, limit);
    });
}

}  // namespace pgedge
