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
    std::string host_id;            ///< where it is, and who acts; see `node`
    std::vector<ResourceId> needs;  ///< exist before it, outlive it
    Json want = Json::object();     ///< attributes; secrets as {"secret": name, "fingerprint": …}, never as text
    /// Attributes that are read when it is created and not compared later (scripts, source of a copy).
    std::vector<std::string> ignore_changes_of;
    /// Not empty: it is on the primary of this node, whichever instance that is when a step of it begins. host_id and
    /// instance_id then say where that is as far as it is known.
    std::string node{}, instance_id{};
    bool operator==(const Resource&) const = default;
};
/// The instance that a resource belongs to or, for now, is on; empty: none.
std::string instance_of(const Resource& resource);

/// What the cluster knows of a resource that exists, or that was tried.
struct KnownResource {
    Resource resource;
    bool needs_recreate = false;  ///< a refresh did not find it
    std::string error;            ///< why the last try failed; empty: it is as wanted
    bool unreadable = false;      ///< of `resource` no more is known than its name and where it is
};
using Known = std::map<ResourceId, KnownResource>;

enum class Action { create, update, remove };
std::string_view to_string(Action action);  ///< create, update, delete
std::string_view verb_of(Action action);    ///< creating, updating, deleting: for task logs

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
    std::string primary_of{};        ///< a node that moves: with the end of this step its instance is the primary
    bool operator==(const Step&) const = default;
};

/// The steps from what is to what is wanted: a graph. Steps that do not name each other in `after`, directly or through
/// others, may run at the same time.
struct Plan {
    std::vector<Step> steps;  ///< in an order that honours `after`
    /// Names of the states that the steps lead to, by the number that a step's id begins with.
    std::vector<std::string> states;
    bool empty() const { return steps.empty(); }
    bool operator==(const Plan&) const = default;
};

/// One of the states that a database passes through, in order. Steps towards a state begin when those towards the state
/// before have ended.
struct WantedState {
    std::string name;  ///< for people: "restart n1", "end state"
    std::vector<Resource> resources;
    /// A complete state is all there shall be: what it does not hold is removed. Of one that is not complete only the
    /// listed resources are looked at; the rest stays as it is, also when it is broken.
    bool complete = true;
    /// Of a state that is not complete: what is removed on the way to it, with all that needs it.
    std::vector<ResourceId> gone{};
};

struct PlanOptions {
    bool force_update = false;  ///< also update what does not differ and has no step yet (last state only)
};

/// The steps that lead from `now` through `states`. Pure: no I/O, no clock.
///
/// Each state is compared with the outcome of the one before. Within a state, creations and updates follow those of
/// what they need; removals follow the removals of what needed them and the updates around them. The first steps of a
/// state wait for the last ones of the state before.
///
/// Why an existing resource is updated, the first that holds: has_diff (its want, its host or its needs differ);
/// has_error (the last try failed); dependency_updated (something it needs was made anew in this plan, or was itself
/// updated because of that: what the resource had made inside is gone with it. A mere update of a need is not passed
/// on: who depends on an attribute of another repeats it in its own want, and then has a diff); force_update.
///
/// Throws Error{internal} when resources need each other, stand twice in a state, or need what is not there.
Plan make_plan(const Known& now, const std::vector<WantedState>& states, const PlanOptions& options = {});

/// Without what stands on hosts that are lost: nothing can be done there, so it is forgotten instead of removed.
Known without_hosts(const Known& known, const std::vector<std::string>& gone_hosts);

Json to_json(const Resource& resource);
Resource resource_from_json(const Json& json);  ///< throws Error{invalid_input}
Json to_json(const Step& step);
Step step_from_json(const Json& json);  ///< throws Error{invalid_input}
Json to_json(const Plan& plan);
Plan plan_from_json(const Json& json);  ///< throws Error{invalid_input}

}  // namespace pgedge
