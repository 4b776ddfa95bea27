#include "agent/store/tables/nodes.hpp"

#include <fmt/format.h>

namespace pgedge {

NodePrimary primary_from_row(const Row& row, std::size_t first) {
    NodePrimary primary;
    primary.node = row.lenient_text(first);
    primary.instance_id = row.lenient_text(first + 1);
    primary.host_id = row.lenient_text(first + 2);
    primary.address = row.lenient_text(first + 3);
    primary.port = static_cast<int>(row.lenient_integer(first + 4));
    primary.term = row.lenient_integer(first + 5);
    return primary;
}

NodePrimaries Nodes::primaries(const std::string& database_id, const Limit& limit) const {
    NodePrimaries primaries;
    const Statement query{
        fmt::format("SELECT {} FROM {} WHERE n.database_id = ?", kPrimaryColumns, kPrimaryTables), {database_id}, {}};
    for (const auto& row : store_.read(query, Freshness::leader, limit)) {
        auto primary = primary_from_row(row);
        const std::string node = primary.node;
        primaries.emplace(node, std::move(primary));
    }
    return primaries;
}

Statement Nodes::set(const std::string& database_id, const std::string& node, const std::string& instance_id) {
    return {
        "INSERT INTO node (database_id, name, primary_instance, term) VALUES (?, ?, ?, 1) ON CONFLICT (database_id, "
        "name) DO UPDATE SET primary_instance = excluded.primary_instance, term = term + 1 "
        "WHERE primary_instance <> excluded.primary_instance",
        {database_id, node, instance_id},
        {}};
}

std::vector<Statement> Nodes::move(const std::string& database_id, const std::string& node,
                                   const std::string& instance_id) {
    return {{fmt::format("UPDATE resource SET needs_recreate = 1 WHERE database_id = ?1 AND {} = ?2 AND EXISTS (SELECT "
                         "1 FROM node WHERE database_id = ?1 AND name = ?2 AND primary_instance <> ?3)",
                         kNodeOfResource),
             {database_id, node, instance_id},
             {}},
            set(database_id, node, instance_id)};
}

}  // namespace pgedge
