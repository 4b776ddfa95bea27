#pragma once

#include <string>
#include <string_view>

#include "common/base/json.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {

/// Who a task belongs to: its operation lock, its list of tasks, and what follows when it ends.
struct Owner {
    std::string scope;  ///< one of the scopes below
    std::string id;     ///< of the database or host; of the cluster: "cluster"
    bool operator==(const Owner&) const = default;
};
inline constexpr std::string_view kDatabaseScope = "database", kHostScope = "host", kClusterScope = "cluster";

/// Something that one host does for a task. Its state is that of its step (StepStatus).
struct Work {
    std::string kind;                 ///< which class of the registry carries it out: agent/run/work_kinds.hpp
    std::string name{};               ///< what it works on. Works of one owner and one name run one at a time.
    Json arguments = Json::object();  ///< what that kind needs to know; empty for a step of a plan
    bool operator==(const Work&) const = default;
};

/// Kinds that the engine itself puts before or into a plan.
inline constexpr std::string_view kMakeResource = "make_resource", kRemoveResource = "remove_resource",
                                  kObserveResources = "observe_resources", kCheckPorts = "check_ports";

/// The step of a plan as work: its arguments are the step itself.
Work resource_work(const Step& step);

/// The column `body` of a step that is not of a plan:
///   {"look": true}                                observe_resources
///   {"check_ports": [...]}                        check_ports, its arguments
///   {"work": KIND, "name": NAME, "arguments": …}  any other kind; "name" is left out when empty
/// The first two are how version 1 wrote them. Throws Error{invalid_input} for anything else.
Json to_stored(const Work& work);
Work work_from_stored(const Json& body);

}  // namespace pgedge
