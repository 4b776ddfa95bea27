#include "cli/show_link.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/terminal/table.hpp"
#include "common/base/size_text.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr int kRowColumns = 100;  ///< of one row in the table; all of it stands in the statements and under -o json

void line(std::ostream& out, const Style& style, const char* name, const std::string& value) {
    if (!value.empty()) out << style.bold(padded(std::string(name) + ":", 14)) << value << '\n';
}

void show_transaction(std::ostream& out, const Style& style, const LinkTransaction& transaction) {
    line(out, style, "Transaction",
         clean(fmt::format("{}{}, committed {}, {} change{}{}", transaction.xid,
                           transaction.commit_lsn.empty() ? "" : ", commit " + transaction.commit_lsn,
                           transaction.committed_at, transaction.changes, transaction.changes == 1 ? "" : "s",
                           transaction.left_out ? ", left out already" : "")));
    line(out, style, "Reason", style.red(clean(transaction.error)));
    line(out, style, "Tables", clean(joined(transaction.tables, ", ")));
    if (transaction.rows.empty()) return;
    out << '\n';
    Table table({"CHANGE", "TABLE", "ROW"});
    for (const auto& row : transaction.rows)
        table.add({row.action, row.table, row.row.empty() ? "(long)" : cut_to(clean(row.row), kRowColumns)});
    table.print(out, style);
    const auto shown = static_cast<std::int64_t>(transaction.rows.size());
    if (shown < transaction.changes) out << fmt::format("and {} more\n", transaction.changes - shown);
}

/// Statements that make the changes on the subscriber and nowhere else.
void show_repair(std::ostream& out, const LinkAnswer& link, const LinkTransaction& transaction) {
    const bool any =
        std::any_of(transaction.rows.begin(), transaction.rows.end(), [](const auto& row) { return !row.sql.empty(); });
    const bool spock = link.dialect == "spock";
    out << "\nTo make changes on " << clean(link.subscriber_node) << " alone, as a superuser there, in one session:\n"
        << (spock ? "  BEGIN;\n  SELECT spock.repair_mode(true);\n"
                  : "  SELECT pg_replication_origin_session_setup('pgedge_local');\n  BEGIN;\n");
    if (any)
        for (const auto& row : transaction.rows)
            out << "  "
                << (row.sql.empty() ? clean(fmt::format("-- {} {} {}", row.action, row.table, row.row))
                                    : clean(row.sql))
                << '\n';
    else
        out << "  -- the changes above, as statements\n";
    out << (spock ? "  COMMIT;\n" : "  COMMIT;\n  SELECT pg_replication_origin_session_reset();\n");
}

}  // namespace

void show_link(std::ostream& out, const Style& style, const std::string& database, const LinkAnswer& link) {
    line(out, style, "Link", clean(fmt::format("{} -> {} ({})", link.provider_node, link.subscriber_node, link.name)));
    line(out, style, "State", style.state(clean(link.state)));
    line(out, style, "Since", clean(link.since));
    line(out, style, "Error", style.red(clean(link.error)));
    if (link.lag_bytes) line(out, style, "Behind", size_text(*link.lag_bytes));
    if (link.kept_wal_bytes)
        line(out, style, "Kept WAL", size_text(*link.kept_wal_bytes) + " on " + clean(link.provider_node));
    for (const auto& transaction : link.transactions) {
        out << '\n';
        show_transaction(out, style, transaction);
    }
    if (link.transactions.empty()) return;
    const auto& first = link.transactions.front();
    out << (first.left_out ? "\nTo acknowledge that it is left out on " : "\nTo leave it out on ")
        << clean(link.subscriber_node) << ", where its changes are lost:\n  "
        << clean(fmt::format("pgedgectl db link skip {} {} --transaction {}", database, link.name, first.xid)) << '\n';
    show_repair(out, link, first);
}

}  // namespace pgedge
