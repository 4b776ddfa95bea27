#include "agent/postgres/copied_sets.hpp"

#include <set>
#include <tuple>

#include <fmt/format.h>

namespace pgedge {
namespace {

struct SetFunctions {
    std::string create, add, remove;
};

SetFunctions functions_of(const ReplicationDialect& dialect) {
    if (dialect.name() == "spock")
        return {"spock.repset_create", "spock.repset_add_table", "spock.repset_remove_table"};
    return {"pglogical.create_replication_set", "pglogical.replication_set_add_table",
            "pglogical.replication_set_remove_table"};
}

void create_sets(Session& from, Session& to, const ReplicationDialect& dialect, const Limit& limit) {
    const auto query = fmt::format(
        "SELECT s.set_name, s.replicate_insert AS i, s.replicate_update AS u, s.replicate_delete AS d,"
        " s.replicate_truncate AS t FROM {0}.replication_set s JOIN {0}.local_node l ON l.node_id = s.set_nodeid",
        dialect.name());
    std::set<std::string> there;
    const auto known = to.run(query, limit);
    for (std::size_t i = 0; i < known.size(); ++i) there.insert(known.text(i, "set_name"));
    const auto wanted = from.run(query, limit);
    for (std::size_t i = 0; i < wanted.size(); ++i)
        if (!there.contains(wanted.text(i, "set_name")))
            to.run(fmt::format("SELECT {}($1, $2::bool, $3::bool, $4::bool, $5::bool)", functions_of(dialect).create),
                   {wanted.text(i, "set_name"), wanted.text(i, "i"), wanted.text(i, "u"), wanted.text(i, "d"),
                    wanted.text(i, "t")},
                   limit);
}

/// Set, schema, table, columns, row filter.
using Member = std::tuple<std::string, std::string, std::string, PgValue, PgValue>;

std::set<Member> members_of(Session& session, const ReplicationDialect& dialect, const Limit& limit) {
    const auto rows = session.run(
        fmt::format("SELECT s.set_name, n.nspname, c.relname, m.set_att_list::text AS columns,"
                    " pg_get_expr(m.set_row_filter, m.set_reloid) AS filter FROM {0}.replication_set_table m"
                    " JOIN {0}.replication_set s USING (set_id) JOIN {0}.local_node l ON l.node_id = s.set_nodeid"
                    " JOIN pg_class c ON c.oid = m.set_reloid JOIN pg_namespace n ON n.oid = c.relnamespace",
                    dialect.name()),
        limit);
    std::set<Member> members;
    for (std::size_t i = 0; i < rows.size(); ++i)
        members.emplace(rows.text(i, "set_name"), rows.text(i, "nspname"), rows.text(i, "relname"),
                        rows.at(i, "columns"), rows.at(i, "filter"));
    return members;
}

}  // namespace

void copy_replication_sets(Session& from, Session& to, const ReplicationDialect& dialect, const Limit& limit) {
    create_sets(from, to, dialect, limit);
    const auto functions = functions_of(dialect);
    const auto wanted = members_of(from, dialect, limit), there = members_of(to, dialect, limit);
    for (const auto& member : there) {
        if (wanted.contains(member)) continue;
        const auto& [set, schema, table, columns, filter] = member;
        to.run(fmt::format("SELECT {}($1, format('%I.%I', $2::text, $3::text)::regclass)", functions.remove),
               {set, schema, table}, limit);
    }
    for (const auto& member : wanted) {
        if (there.contains(member)) continue;
        const auto& [set, schema, table, columns, filter] = member;
        to.run(fmt::format("SELECT {}($1, format('%I.%I', $2::text, $3::text)::regclass, false, $4::text[], $5)",
                           functions.add),
               {set, schema, table, columns, filter}, limit);
        if (dialect.name() == "pglogical")  // as pgedge_internal.join_table() does
            to.run(
                "DELETE FROM pglogical.depend WHERE refclassid = 'pg_class'::regclass"
                " AND refobjid = format('%I.%I', $1::text, $2::text)::regclass",
                {schema, table}, limit);
    }
}

void copy_sequence_values(Session& from, Session& to, const Limit& limit) {
    const auto rows = from.run(
        "SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
        " AND schemaname NOT IN ('pgedge_internal', 'pglogical', 'spock')",
        limit);
    for (std::size_t i = 0; i < rows.size(); ++i)
        // One that came later is in none of what was copied.
        to.run(
            "SELECT setval(s, $3::bigint) FROM to_regclass(format('%I.%I', $1::text, $2::text)) AS s"
            " WHERE s IS NOT NULL",
            {rows.text(i, "schemaname"), rows.text(i, "sequencename"), rows.text(i, "last_value")}, limit);
    to.run("SELECT pgedge_internal.adopt_sequences()", limit);
    to.run("SELECT pgedge_internal.watch_rows(ARRAY(SELECT seqrelid FROM pgedge_internal.sequences))", limit);
}

}  // namespace pgedge
