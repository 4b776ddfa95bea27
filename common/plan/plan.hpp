#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.hpp"

namespace pgedge {

/// Names one resource for good, e.g. {"database.instance", "storefront-n1-689qacsi"}: how a diff pairs old with new.
struct ResourceId {
    std::string kind, name;
    auto operator<=>(const ResourceId&) const = default;
    std::string text() const { return kind + "::" + name; }  ///< as task logs write it
};

/// One thing that shall exist. Data only: plans compare it, agents make it true.
struct Resource {
    ResourceId id;
    std::string host_id;            ///< who acts
    std::vector<ResourceId> needs;  ///< exist before it, outlive it
    Json want = Json::object();     ///< attributes; secrets as {"secret": name, "fingerprint": …}, never as text
    /// Attributes that are read when it is created and not compared later (scripts, source of a copy).
    std::vector<std::string> ignore_changes_of;
    bool operator==(const Resource&) const = default;
};

/// What the cluster knows of a resource that exists, or that was tried.
struct KnownResource {
    Resource resource;
    bool needs_recreate = false;  ///< a refresh did not find it
    std::string error;            ///< why the last try failed; empty: it is as wanted
};
using Known = std::map<ResourceId, KnownResource>;

enum class Action { create, update, remove };
std::string_view to_string(Action action);  ///< creating, updating, deleting: see verb_of()

/// Why a step is in the plan, in upstream's words.
enum class Reason { does_not_exist, needs_recreate, has_diff, force_update, dependency_updated, has_error, not_wanted };
std::string_view to_string(Reason reason);

/// What a step does to users of the database, for the marks of `pgedgectl plan`.
struct Impact {
    bool restart = false;  ///< connections of that instance break
    bool deletes_data = false;
    bool operator==(const Impact&) const = default;
};

struct Step {
    std::string id;  ///< unique in its plan: "<sequence>.<kind>::<name>.<action>"
    Action action = Action::create;
    Resource resource;  ///< for remove: as it is known now
    Reason reason = Reason::does_not_exist;
    std::string why;  ///< for people: "port 5432 -> 6432"; may be empty
    Impact impact;
    std::vector<std::string> after;  ///< ids of steps that end before it begins
    bool operator==(const Step&) const = default;
};

/// The steps from what is to what is wanted: a graph. Steps that do not name each other in `after`, directly or through
/// others, may run at the same time.
struct Plan {
    std::vector<Step> steps;  ///< in an order that honours `after`
    bool empty() const { return steps.empty(); }
    bool operator==(const Plan&) const = default;
};

/// One of the states that a database passes through, in order. Steps towards a state begin when those towards the state
/// before have ended.
struct WantedState {
    std::string name;  ///< for people: "existing nodes", "new nodes", "end state"
    std::vector<Resource> resources;
};

struct PlanOptions {
    bool force_update = false;  ///< also update what does not differ (last state only)
};

/// The steps that lead from `now` through `states`. Pure: no I/O, no clock. Creations and updates follow what they
/// need, removals precede it. Throws Error{internal} on a cycle or a need that no state holds.
Plan make_plan(const Known& now, const std::vector<WantedState>& states, const PlanOptions& options = {});

Json to_json(const Resource& resource);
Resource resource_from_json(const Json& json);  ///< throws Error{invalid_input}
Json to_json(const Step& step);
Step step_from_json(const Json& json);  ///< throws Error{invalid_input}
Json to_json(const Plan& plan);
Plan plan_from_json(const Json& json);  ///< throws Error{invalid_input}

}  // namespace pgedge
