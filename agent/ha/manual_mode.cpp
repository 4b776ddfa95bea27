#include "agent/ha/manual_mode.hpp"

#include "agent/store/state/migrations.hpp"
#include "agent/store/tables/cluster_level.hpp"
#include "agent/store/tables/tasks.hpp"

namespace pgedge {

std::optional<ManualMode> ManualModes::find(const std::string& database_id, const std::string& node, const Limit& limit,
                                            Freshness freshness) const {
    if (cluster_level(store_, Freshness::local, limit) < kManualModeLevel) return std::nullopt;
    const Statement query{
        "SELECT since, until, reason FROM ha_manual WHERE database_id = ? AND node = ?", {database_id, node}, {}};
    const auto rows = store_.read(query, freshness, limit);
    if (rows.empty()) return std::nullopt;
    return ManualMode{time_from_stored(rows[0].lenient_integer(0)), time_from_stored(rows[0].lenient_integer(1)),
                      rows[0].lenient_text(2)};
}

Statement ManualModes::begin(const std::string& database_id, const std::string& node, const std::string& reason,
                             WallTime now) {
    return {
        "INSERT INTO ha_manual (database_id, node, since, until, reason) SELECT database_id, name, ?3, ?4, ?5 FROM "
        "node WHERE database_id = ?1 AND name = ?2 ON CONFLICT (database_id, node) DO NOTHING",
        {database_id, node, to_stored(now), to_stored(now + kExpiry), reason},
        {}};
}

Statement ManualModes::end(const std::string& database_id, const std::string& node, bool even_with_stopped) {
    return {
        "DELETE FROM ha_manual WHERE database_id = ?1 AND node = ?2 AND NOT EXISTS (SELECT 1 FROM task WHERE open = "
        "1 AND locks = 1 AND scope = 'database' AND entity_id = ?1) AND (?3 OR NOT EXISTS (SELECT 1 FROM instance "
        "WHERE database_id = ?1 AND node_name = ?2 AND stopped = 1))",
        {database_id, node, std::int64_t{even_with_stopped}},
        {}};
}

}  // namespace pgedge
