#include "common/plan/impact.hpp"

#include <algorithm>
#include <array>

namespace pgedge {
namespace {

struct Row {
    std::string_view kind;
    bool update_restarts = false, removal_deletes_data = false;
};
constexpr std::array<Row, 3> kKinds{{
    {"filesystem.dir", false, true},
    {"process.data_directory", false, true},
    {"process.postgres", true, false},
}};

}  // namespace

Impact impact_of(Action action, const ResourceId& id, Reason reason) {
    const auto row = std::find_if(kKinds.begin(), kKinds.end(), [&](const Row& each) { return each.kind == id.kind; });
    if (row == kKinds.end()) return {};
    Impact impact;
    // A forced update of a server that runs as wanted leaves it alone.
    impact.restart = action == Action::update && reason != Reason::force_update && row->update_restarts;
    impact.deletes_data = action == Action::remove && row->removal_deletes_data;
    return impact;
}

}  // namespace pgedge
