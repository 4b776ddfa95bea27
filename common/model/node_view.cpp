#include "common/model/node_view.hpp"

#include "common/base/names.hpp"

namespace pgedge {
namespace {

constexpr NameTable<NodeState, 6> kNodeStates{"state of a node",
                                              {{{NodeState::healthy, "healthy"},
                                                {NodeState::degraded, "degraded"},
                                                {NodeState::no_primary, "no_primary"},
                                                {NodeState::blocked, "blocked"},
                                                {NodeState::promoting, "promoting"},
                                                {NodeState::switching, "switching"}}}};

}  // namespace

std::string_view to_string(NodeState state) { return kNodeStates.name_of(state); }

}  // namespace pgedge
