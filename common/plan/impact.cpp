#include "common/plan/impact.hpp"

#include <algorithm>
#include <array>

namespace pgedge {
namespace {

struct Row {
    std::string_view kind;
    bool update_restarts = false, removal_deletes_data = false;
    bool is_passive = false;  ///< nothing is made inside it
};
constexpr std::array<Row, 5> kKinds{{
    {"filesystem.dir", false, true},
    {"instance.data", false, true},
    {"instance.server", true, false},
    {"database.physical_slot", false, false, true},
    {"common.pgbackrest_config", false, false, true},
}};

const Row* row_of(const ResourceId& id) {
    const auto row = std::find_if(kKinds.begin(), kKinds.end(), [&](const Row& each) { return each.kind == id.kind; });
    return row == kKinds.end() ? nullptr : &*row;
}

}  // namespace

bool takes_along(const ResourceId& id) {
    const Row* row = row_of(id);
    return !row || !row->is_passive;
}

Impact impact_of(Action action, const ResourceId& id, Reason reason) {
    const Row* row = row_of(id);
    if (!row) return {};
    Impact impact;
    // A forced update of a server that runs as wanted leaves it alone.
    impact.restart = action == Action::update && reason != Reason::force_update && row->update_restarts;
    impact.deletes_data = action == Action::remove && row->removal_deletes_data;
    return impact;
}

}  // namespace pgedge
