#include "agent/resources/copied_tables.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// Rows of unlogged tables stay where they are, as they are not replicated. Of an extension's tables those count that
/// its author called the user's, as for pg_dump.
constexpr auto kTables = R"sql(
WITH wanted AS (
    SELECT c.oid, false AS of_extension, '' AS condition FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND c.oid >= 16384
       AND n.nspname NOT IN ('pgedge_internal', 'pglogical', 'spock', 'pg_catalog', 'information_schema')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    UNION ALL
    SELECT x.oid, true, coalesce(x.condition, '') FROM pg_extension e
      CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) AS x (oid, condition)
      JOIN pg_class c ON c.oid = x.oid AND c.relkind = 'r' WHERE e.extname NOT IN ('pglogical', 'spock'))
SELECT format('%I.%I', n.nspname, c.relname) AS name, w.of_extension, w.condition, c.oid, c.relfilenode,
       (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
  FROM wanted w JOIN pg_class c ON c.oid = w.oid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY c.oid
)sql";

}  // namespace

CopiedTables::CopiedTables(Connection session, const std::string& snapshot, std::string source, const Limit& limit)
    : session_(std::move(session)), source_(std::move(source)) {
    if (session_.server_version() >= 170000) session_.run("SET transaction_timeout = 0", limit);
    session_.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", limit);
    session_.run(fmt::format("SET TRANSACTION SNAPSHOT {}", session_.literal(snapshot)), limit);
    session_.run("SET LOCAL lock_timeout = '30s'", limit);
    within("locking the structure of tables of " + source_, [&] { lock(limit); });
}

void CopiedTables::lock(const Limit& limit) {
    const auto rows = session_.run(kTables, limit);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        Table table{rows.text(i, "name"), rows.at(i, "columns").value_or(""), rows.text(i, "condition"),
                    rows.text(i, "of_extension") == "t", 0};
        const auto again = [&](const std::string& why) {
            return Error(ErrorKind::unreachable, fmt::format("table {} {} meanwhile", table.name, why));
        };
        try {
            session_.run(fmt::format("LOCK TABLE ONLY {} IN ACCESS SHARE MODE", table.name), limit);
        } catch (const SqlError& error) {
            constexpr std::string_view kUndefinedTable = "42P01", kUndefinedSchema = "3F000", kLocked = "55P03";
            if (error.sqlstate() == kUndefinedTable || error.sqlstate() == kUndefinedSchema)
                throw again("was dropped or renamed");
            if (error.sqlstate() == kLocked) throw again("was altered");
            throw;
        }
        // The snapshot's catalog says what was there, the function what is there: rows of a rewritten table cannot be
        // seen by a snapshot from before.
        const auto now = session_.run("SELECT pg_relation_filenode($1::oid) AS file, pg_table_size($1::oid) AS bytes",
                                      {rows.text(i, "oid")}, limit);
        if (now.at(0, "file") != rows.at(i, "relfilenode")) throw again("was rewritten or emptied");
        table.bytes = now.integer(0, "bytes").value_or(0);
        bytes_ += table.bytes;
        tables_.push_back(std::move(table));
    }
}

void CopiedTables::copy_to(Connection& to, const std::function<void(const Progress&)>& progress, const Limit& limit) {
    std::int64_t done = 0;
    std::size_t number = 0;
    for (const auto& table : tables_) {
        ++number;
        const auto tell = [&](std::int64_t bytes, std::int64_t rows) {
            progress({.done = done + std::min(bytes, table.bytes),
                      .total = bytes_,
                      .unit = "bytes",
                      .text = fmt::format("copying {} from {}: table {} of {}, {} rows so far", table.name, source_,
                                          number, tables_.size(), rows_ + rows)});
        };
        tell(0, 0);
        const auto columns = table.columns.empty() ? std::string() : fmt::format(" ({})", table.columns);
        const auto out = table.of_extension ? fmt::format("COPY (SELECT {} FROM ONLY {} {}) TO STDOUT", table.columns,
                                                          table.name, table.condition)
                                            : fmt::format("COPY {}{} TO STDOUT", table.name, columns);
        rows_ += within("copying table " + table.name, [&] {
            return Connection::copy(session_, out, to, fmt::format("COPY {}{} FROM STDIN", table.name, columns), tell,
                                    limit);
        });
        done += table.bytes;
    }
}

}  // namespace pgedge
