#pragma once

#include "agent/store/tables/tasks.hpp"
#include "common/model/node.hpp"

namespace pgedge {

/// A step that this agent shall carry out.
struct ClaimedStep {
    StepRow row;
    Owner owner;              ///< of its task
    std::string parent_id{};  ///< of its task; empty: none
    WallTime task_created_at{};
    WallTime instance_created_at{};  ///< the epoch when the step is not of an instance
    NodePrimary primary{};           ///< of the node that the step belongs to; empty: it belongs to none
    /// Its instance is the primary of others that stay: it became that after its plan was made.
    bool primary_of_others = false;
};

/// Why a step failed whose task was canceled.
inline constexpr std::string_view kCanceledError = "the operation was canceled";

}  // namespace pgedge
