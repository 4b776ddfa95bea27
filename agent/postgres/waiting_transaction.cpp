#include "agent/postgres/waiting_transaction.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "common/base/json.hpp"
#include "common/base/text.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

/// After transactions without changes, which are not applied and so never stop a link, so many changes at a time.
constexpr int kLookAhead = 1000;

/// A table as it is on the server that is asked: what statements for its rows need to know.
struct TableShape {
    std::vector<std::string> key, generated;
};

TableShape shape_of(Session& session, const std::string& schema, const std::string& table, const Limit& limit) {
    const auto rows = session.run(
        "SELECT a.attname, a.attgenerated <> '' AS generated, coalesce(a.attnum = ANY (i.indkey), false) AS key"
        " FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indexrelid = coalesce("
        "(SELECT indexrelid FROM pg_index WHERE indrelid = a.attrelid AND indisreplident LIMIT 1),"
        " (SELECT indexrelid FROM pg_index WHERE indrelid = a.attrelid AND indisprimary))"
        " WHERE a.attrelid = to_regclass(format('%I.%I', $1::text, $2::text)) AND a.attnum > 0 AND NOT a.attisdropped"
        " ORDER BY a.attnum",
        {schema, table}, limit);
    TableShape shape;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows.at(i, "key") == "t") shape.key.push_back(rows.text(i, "attname"));
        if (rows.at(i, "generated") == "t") shape.generated.push_back(rows.text(i, "attname"));
    }
    return shape;
}

bool holds(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

/// The statement that does on another server what was done to this row; empty: it cannot be told which row that was.
/// Values come in by json_populate_record(), which reads every type as it was written.
std::string statement_of(Session& session, const std::string& action, const std::string& schema,
                         const std::string& table, const Json& row, const Json& old_row, const TableShape& shape) {
    const auto name = session.identifier(schema) + "." + session.identifier(table);
    const auto record = [&](const Json& values) {
        return fmt::format("json_populate_record(NULL::{}, {}) AS r", name, session.literal(to_text(values)));
    };
    std::vector<std::string> columns, values;
    for (const auto& [column, value] : row.items()) {
        if (holds(shape.generated, column)) continue;
        columns.push_back(session.identifier(column));
        values.push_back("r." + session.identifier(column));
    }
    if (action == "INSERT" && !columns.empty())
        return fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {};", name,
                           joined(columns, ", "), joined(values, ", "), record(row));
    const Json& old = old_row.empty() ? row : old_row;
    std::vector<std::string> same;
    for (const auto& column : shape.key)
        if (old.contains(column)) same.push_back(fmt::format("t.{0} = r.{0}", session.identifier(column)));
    if (shape.key.empty() || same.size() != shape.key.size()) return {};
    if (action == "DELETE")
        return fmt::format("DELETE FROM {} AS t USING {} WHERE {};", name, record(old), joined(same, " AND "));
    if (action != "UPDATE" || columns.empty() || !old_row.empty()) return {};
    return fmt::format("UPDATE {} AS t SET ({}) = ROW ({}) FROM {} WHERE {};", name, joined(columns, ", "),
                       joined(values, ", "), record(row), joined(same, " AND "));
}

std::string action_word(const std::string& letter) {
    static const std::map<std::string, std::string> words{
        {"I", "INSERT"}, {"U", "UPDATE"}, {"D", "DELETE"}, {"T", "TRUNCATE"}};
    const auto word = words.find(letter);
    return word == words.end() ? letter : word->second;
}

/// The slot as pglogical's apply worker reads it, but in JSON. `limit_of_changes` counts to the end of a transaction.
std::string peek(std::string_view slot_parameter, int limit_of_changes) {
    return fmt::format(
        "pg_logical_slot_peek_changes({}::name, NULL, {}, 'proto_format', 'json', 'expected_encoding', 'UTF8',"
        " 'min_proto_version', '1', 'max_proto_version', '1', 'startup_params_format', '1',"
        " 'pglogical.replication_set_names', 'default,default_insert_only,ddl_sql', 'pglogical.forward_origins', '')",
        slot_parameter, limit_of_changes);
}
/// Of '{"action":"I", …'.
constexpr std::string_view kAction = "substr(data, 12, 1)";

class Waiting {
public:
    Waiting(Session& session, const Limit& limit)
        : session_(session), limit_(limit), copy_("pgedge_look_" + random_hex(8)) {}

    std::optional<LinkTransaction> first(const std::string& slot, const std::string& after) {
        copy(slot);
        std::string from = after;
        for (int changes = 1;; changes = kLookAhead) {
            limit_.check("looking for the transaction that slot " + slot + " waits with");
            session_.run(
                "SELECT pg_replication_slot_advance(slot_name, greatest(confirmed_flush_lsn, $2::pg_lsn))"
                " FROM pg_replication_slots WHERE slot_name = $1",
                {copy_, from}, limit_);
            const auto found = transactions(changes);
            if (found.empty()) return std::nullopt;
            for (const auto& each : found)
                if (each.changes > 0) return with_rows(each);
            from = found.back().end_lsn;
        }
    }

private:
    void copy(const std::string& slot) {
        try {
            session_.run("SELECT pg_copy_logical_replication_slot($1::name, $2::name, true)", {slot, copy_}, limit_);
        } catch (const SqlError& error) {
            constexpr std::string_view kAllInUse = "53400";
            if (error.sqlstate() != kAllInUse) throw;
            throw Error(ErrorKind::failed, "there is no free replication slot to look at the changes with",
                        "raise max_replication_slots by one");
        }
    }

    std::vector<LinkTransaction> transactions(int changes) {
        const auto rows = session_.run(
            fmt::format("SELECT xid::text AS xid, count(*) FILTER (WHERE {0} NOT IN ('S', 'B', 'C')) AS changes,"
                        " max(CASE WHEN {0} = 'C' THEN data::jsonb->>'final_lsn' END) AS commit_lsn,"
                        " max(CASE WHEN {0} = 'C' THEN data::jsonb->>'end_lsn' END) AS end_lsn,"
                        " max(CASE WHEN {0} = 'B' THEN data::jsonb->>'commit_time' END) AS committed_at"
                        " FROM {1} GROUP BY xid"
                        " ORDER BY max(CASE WHEN {0} = 'C' THEN (data::jsonb->>'end_lsn')::pg_lsn END)",
                        kAction, peek("$1", changes)),
            {copy_}, limit_);
        std::vector<LinkTransaction> found;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            LinkTransaction one;
            one.xid = rows.text(i, "xid");
            one.commit_lsn = rows.at(i, "commit_lsn").value_or("");
            one.end_lsn = rows.at(i, "end_lsn").value_or("");
            one.committed_at = rows.at(i, "committed_at").value_or("");
            one.changes = rows.integer(i, "changes").value_or(0);
            found.push_back(std::move(one));
        }
        return found;
    }

    LinkTransaction with_rows(LinkTransaction transaction) {
        // From here on it is the first that the copy gives.
        const auto tables = session_.run(
            fmt::format(
                "SELECT {0} AS action, data::jsonb->'relation'->>0 AS schema, data::jsonb->'relation'->>1 AS name,"
                " count(*) AS rows FROM {1} WHERE xid::text = $2 AND {0} NOT IN ('S', 'B', 'C')"
                " GROUP BY 1, 2, 3 ORDER BY 2, 3, 1 LIMIT {2}",
                kAction, peek("$1", kLookAhead), LinkTransaction::kMostTables),
            {copy_, transaction.xid}, limit_);
        for (std::size_t i = 0; i < tables.size(); ++i)
            transaction.tables.push_back(fmt::format("{} {}.{}: {}", action_word(tables.text(i, "action")),
                                                     tables.at(i, "schema").value_or(""),
                                                     tables.at(i, "name").value_or(""), tables.text(i, "rows")));
        const auto rows = session_.run(
            fmt::format(
                "SELECT {0} AS action, data::jsonb->'relation'->>0 AS schema, data::jsonb->'relation'->>1 AS name,"
                " CASE WHEN octet_length(data) <= {2} THEN data END AS data"
                " FROM {1} WHERE xid::text = $2 AND {0} NOT IN ('S', 'B', 'C') LIMIT {3}",
                kAction, peek("$1", kLookAhead), LinkTransaction::kMostRowBytes, LinkTransaction::kMostRows),
            {copy_, transaction.xid}, limit_);
        for (std::size_t i = 0; i < rows.size(); ++i)
            transaction.rows.push_back(change(action_word(rows.text(i, "action")), rows.at(i, "schema").value_or(""),
                                              rows.at(i, "name").value_or(""), rows.at(i, "data")));
        return transaction;
    }

    LinkChange change(const std::string& action, const std::string& schema, const std::string& table,
                      const PgValue& data) {
        LinkChange change{action, schema + "." + table, {}, {}};
        if (!data) return change;
        const Json json = parse_json(*data);
        const Json new_row = json.value("newtuple", Json::object()), old_row = json.value("oldtuple", Json::object());
        if (schema == "pglogical" && table == "queue") {  // a command on its way
            const auto message = new_row.find("message");
            if (message == new_row.end()) return change;
            return {"DDL", {}, message->is_string() ? message->get<std::string>() : to_text(*message), {}};
        }
        change.row = to_text(action == "DELETE" ? old_row : new_row);
        auto known = shapes_.find(change.table);
        if (known == shapes_.end())
            known = shapes_.emplace(change.table, shape_of(session_, schema, table, limit_)).first;
        change.sql = statement_of(session_, action, schema, table, new_row, old_row, known->second);
        return change;
    }

    Session& session_;
    const Limit& limit_;
    const std::string copy_;
    std::map<std::string, TableShape> shapes_;
};

}  // namespace

std::optional<LinkTransaction> first_waiting(Session& session, const std::string& slot, const std::string& after,
                                             const Limit& limit) {
    return Waiting(session, limit).first(slot, after);
}

std::vector<LinkTransaction> left_out_transactions(Session& session, const std::string& subscription,
                                                   const Limit& limit) {
    const auto found = session.run(
        fmt::format("SELECT e.remote_xid::text AS xid, e.remote_commit_ts::text AS committed_at, count(*) AS changes,"
                    " max(substring(e.error_message FROM 'skip_lsn = ([0-9A-F]+/[0-9A-F]+)')) AS skip_lsn,"
                    " left(string_agg(DISTINCT e.error_message, '; '), 2000) AS error"
                    " FROM spock.exception_log e JOIN spock.subscription s ON s.sub_origin = e.remote_origin"
                    " WHERE s.sub_name = $1 AND NOT EXISTS (SELECT FROM spock.exception_status t WHERE"
                    " t.remote_origin = e.remote_origin AND t.remote_commit_ts = e.remote_commit_ts AND"
                    " t.resolved_at IS NOT NULL) GROUP BY e.remote_origin, e.remote_commit_ts, e.remote_xid"
                    " ORDER BY e.remote_commit_ts LIMIT {}",
                    LinkSubscriber::kMostLeftOut),
        {subscription}, limit);
    std::vector<LinkTransaction> transactions;
    std::map<std::string, TableShape> shapes;
    for (std::size_t i = 0; i < found.size(); ++i) {
        LinkTransaction one;
        one.xid = found.text(i, "xid");
        one.committed_at = found.text(i, "committed_at");
        one.changes = found.integer(i, "changes").value_or(0);
        one.error = found.at(i, "error").value_or("");
        one.end_lsn = found.at(i, "skip_lsn").value_or("");
        one.left_out = one.end_lsn.empty();
        const auto rows = session.run(
            fmt::format("SELECT e.operation, e.table_schema, e.table_name, e.ddl_statement,"
                        " CASE WHEN octet_length(e.remote_new_tup::text) <= {0} THEN e.remote_new_tup::text END AS new,"
                        " CASE WHEN octet_length(e.remote_old_tup::text) <= {0} THEN e.remote_old_tup::text END AS old"
                        " FROM spock.exception_log e JOIN spock.subscription s ON s.sub_origin = e.remote_origin"
                        " WHERE s.sub_name = $1 AND e.remote_xid = $2::bigint AND e.remote_commit_ts = $3::timestamptz"
                        " ORDER BY e.command_counter LIMIT {1}",
                        LinkTransaction::kMostRowBytes, LinkTransaction::kMostRows),
            {subscription, one.xid, one.committed_at}, limit);
        for (std::size_t k = 0; k < rows.size(); ++k) {
            const auto schema = rows.at(k, "table_schema").value_or(""), table = rows.at(k, "table_name").value_or("");
            LinkChange change{rows.at(k, "operation").value_or(""), table.empty() ? "" : schema + "." + table, {}, {}};
            change.row =
                rows.at(k, "ddl_statement").value_or(rows.at(k, "new").value_or(rows.at(k, "old").value_or("")));
            one.rows.push_back(std::move(change));
        }
        transactions.push_back(std::move(one));
    }
    return transactions;
}

}  // namespace pgedge
