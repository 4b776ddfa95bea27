#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/plan/plan.hpp"

namespace pgedge {

/// What a piece of text is, for whoever colours it.
enum class Paint { heading, create, change, remove, restart, danger, faint };
/// Returns the text with colour codes around it.
using Painter = std::function<std::string(Paint, const std::string&)>;

/// A plan in figures.
struct PlanSummary {
    std::size_t creates = 0, updates = 0, removes = 0, restarts = 0;
    std::vector<std::string> data_of;  ///< names of the resources whose data is deleted, each once
    bool operator==(const PlanSummary&) const = default;
};
PlanSummary summary_of(const Plan& plan);

/// "+12 ~1 -0, 1 restart, no data loss"; "nothing to do" for an empty plan.
std::string summary_line(const Plan& plan, const Painter& paint = {});

/// The plan for people: the summary line, then the steps by state and host with marks and reasons. Plain text unless
/// `paint` is given. Ends in a newline.
std::string render(const Plan& plan, const Painter& paint = {});
/// The same with one line for all steps of an instance, and for links to which the same is done. What restarts, deletes
/// data or was wrong before is always told. Says how many steps there are when it does not list each.
std::string render_grouped(const Plan& plan, const Painter& paint = {});

}  // namespace pgedge
