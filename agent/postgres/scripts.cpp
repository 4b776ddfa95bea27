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

}  // namespace pgedge
