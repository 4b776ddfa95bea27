#include "agent/ha/logical_slots.hpp"

#include <fmt/format.h>

#include "agent/postgres/link_hold.hpp"
#include "agent/postgres/link_sql.hpp"
#include "agent/postgres/replication_slots.hpp"
#include "common/orchestrate/names.hpp"

namespace pgedge {
namespace {

Lsn lsn_at(const ResultSet& rows, std::size_t row, const char* column) {
    const auto& value = rows.at(row, column);
    return value ? parse_lsn(*value) : Lsn{};
}

}  // namespace

std::string fixed_by_links(std::string_view dialect, std::size_t nodes) {
    if (nodes < 2 || dialect == "pglogical") return "";
    return fmt::format(
        "the database has {} nodes with {}: what the others send to this one, and wait for, would be lost", nodes,
        dialect);
}

std::vector<OtherNode> other_nodes(Session& session, const ReplicationDialect& dialect, const Limit& limit) {
    const auto own = dialect.own_node(session, limit);
    if (!own) return {};
    const auto rows = session.run(
        fmt::format(
            "SELECT n.node_name, s.sub_name, s.sub_slot_name, i.if_dsn FROM {0}.subscription s "
            "JOIN {0}.node n ON n.node_id = s.sub_origin JOIN {0}.node_interface i ON i.if_id = s.sub_origin_if "
            "ORDER BY 1",
            dialect.name()),
        limit);
    std::vector<OtherNode> others;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        OtherNode other{.name = rows.text(row, "node_name"),
                        .dsn = rows.text(row, "if_dsn"),
                        .subscription = rows.text(row, "sub_name"),
                        .slot = rows.text(row, "sub_slot_name"),
                        .their_subscription = subscription_name(*own, rows.text(row, "node_name")),
                        .their_slot = {}};
        other.their_slot = dialect.slot_name(session, *own, other.their_subscription, limit);
        others.push_back(std::move(other));
    }
    return others;
}

std::map<std::string, LogicalSlot> extension_slots(Session& session, const ReplicationDialect& dialect,
                                                   const Limit& limit) {
    const auto rows = session.run(
        "SELECT slot_name, confirmed_flush_lsn, restart_lsn, catalog_xmin::text::bigint AS catalog_xmin, "
        "coalesce(wal_status = 'lost', false) AS lost FROM pg_replication_slots WHERE slot_type = 'logical' AND NOT "
        "temporary AND database = current_database() AND plugin = $1",
        {std::string(dialect.output_plugin())}, limit);
    std::map<std::string, LogicalSlot> slots;
    for (std::size_t row = 0; row < rows.size(); ++row)
        slots[rows.text(row, "slot_name")] = {
            lsn_at(rows, row, "confirmed_flush_lsn"), lsn_at(rows, row, "restart_lsn"),
            static_cast<std::uint32_t>(rows.integer(row, "catalog_xmin").value_or(0)), rows.text(row, "lost") == "t"};
    return slots;
}

bool is_before(std::uint32_t left, std::uint32_t right) { return static_cast<std::int32_t>(left - right) < 0; }

std::string set_back_provider(Session& provider, Session& subscriber, const OtherNode& other, const Limit& limit) {
    const auto second = kept_slot(other.slot);
    const auto find = [&](const std::string& name) {
        return provider.run(
            "SELECT confirmed_flush_lsn AS at FROM pg_replication_slots WHERE slot_name = $1 AND "
            "coalesce(wal_status, '') <> 'lost'",
            {name}, limit);
    };
    if (!find(second).empty()) {
        // Dropped and not yet made again: that is how whoever died in between left it.
        drop_replication_slot(provider, other.slot, limit);
        provider.run("SELECT pg_copy_logical_replication_slot($1, $2)", {second, other.slot}, limit);
        return "";
    }
    const auto first = find(other.slot);
    const auto origin = subscriber.run(
        "SELECT remote_lsn AS at FROM pg_replication_origin_status WHERE external_id = $1", {other.slot}, limit);
    const Lsn applied = origin.empty() ? Lsn{} : lsn_at(origin, 0, "at");
    if (first.empty() && !find(copied_slot(other.slot)).empty())
        throw Error(ErrorKind::unreachable, other.name + " has another primary, which has not compared its slot yet");
    if (first.empty())
        return fmt::format("{}: {} has no slot {} any more, and what it wrote after {} is not here", kSubscriptionGap,
                           other.name, other.slot, to_string(applied));
    const Lsn confirmed = lsn_at(first, 0, "at");
    if (confirmed <= applied) return "";
    return fmt::format("{}: {} sends nothing from before {} again, and here is only what it wrote up to {}",
                       kSubscriptionGap, other.name, to_string(confirmed), to_string(applied));
}

Lsn applied_by(Session& subscriber, const std::string& slot, const Limit& limit) {
    Lsn applied;
    when_nothing_applies(
        subscriber, slot, "slot " + slot, [] {}, [&](const std::string& at) { applied = parse_lsn(at); }, limit);
    return applied;
}

}  // namespace pgedge
