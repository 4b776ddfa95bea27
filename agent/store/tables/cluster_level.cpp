#include "agent/store/tables/cluster_level.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "agent/store/state/migrations.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// Of each host, from what its agent wrote when it started. One that cannot be read counts as the oldest.
constexpr std::string_view kLevels =
    "SELECT id, CAST(coalesce(CASE WHEN json_valid(facts) THEN json_extract(facts, '$.level') END, 1) AS INTEGER) FROM "
    "host";

bool workable(std::int64_t level) { return level >= oldest_workable_level() && level <= newest_schema_version(); }

}  // namespace

std::int64_t cluster_level(Store& store, Freshness freshness, const Limit& limit) {
    const auto rows = store.read({.sql = "SELECT coalesce(max(version), 0) FROM schema_version"}, freshness, limit);
    return rows.empty() ? 0 : rows[0].lenient_integer(0);
}

std::int64_t common_level(const std::function<Rows(const Statement&)>& read, std::int64_t own) {
    std::int64_t lowest = own;
    for (const auto& row : read({.sql = std::string(kLevels)})) lowest = std::min(lowest, row.lenient_integer(1, 1));
    return std::max<std::int64_t>(lowest, 1);
}

bool LevelGate::is_open(const Limit& limit) {
    if (!open_) open_ = workable(cluster_level(store_, Freshness::local, limit));
    return open_;
}

void LevelGate::check(const Limit& limit) {
    if (is_open(limit)) return;
    const auto level = cluster_level(store_, Freshness::leader, limit);
    if (level > newest_schema_version())
        throw Error(ErrorKind::conflict,
                    fmt::format("this agent's program is older than the cluster's data (level {} of {})",
                                newest_schema_version(), level),
                    "start the version that the other hosts run");
    if (workable(level)) {
        open_ = true;
        return;
    }
    std::vector<std::string> behind;
    for (const auto& row : store_.read({.sql = std::string(kLevels)}, Freshness::leader, limit))
        if (row.lenient_integer(1) < oldest_workable_level()) behind.push_back(row.lenient_text(0));
    throw Error(
        ErrorKind::conflict,
        fmt::format("the cluster is being upgraded: its data are at level {}, and this agent works with level "
                    "{}{}",
                    level, oldest_workable_level(), behind.empty() ? "" : "; waiting for " + joined(behind, ", ")),
        behind.empty()
            ? "try again in some seconds"
            : "upgrade and start the agents of these hosts; put a new machine in the place of a host that is "
              "lost for good: start an agent there with the host's id, then pgedgectl cluster join --replace "
              "URL");
}

}  // namespace pgedge
