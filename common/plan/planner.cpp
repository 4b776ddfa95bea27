#include <algorithm>
#include <functional>
#include <set>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/plan/diff.hpp"
#include "common/plan/impact.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kLongestError = 200;

/// The states after one another: `current_` is what there will be when the steps so far have ended.
class Planner {
public:
    Planner(const Known& now, const PlanOptions& options) : options_(options), current_(now) {}

    Plan plan(const std::vector<WantedState>& states) {
        Plan plan;
        for (std::size_t i = 0; i < states.size(); ++i) {
            plan.states.push_back(states[i].name);
            number_ = static_cast<int>(i);
            last_ = i + 1 == states.size();
            for (auto& step : steps_to(states[i])) plan.steps.push_back(std::move(step));
        }
        return plan;
    }

private:
    using Wanted = std::map<ResourceId, const Resource*>;

    /// A step of the state at hand, with the numbers of the steps before it that it waits for.
    struct Draft {
        Step step;
        std::set<std::size_t> after;
    };

    std::vector<Step> steps_to(const WantedState& state) {
        drafts_.clear();
        draft_of_.clear();
        const Wanted wanted = indexed(state);
        for (const Resource* resource : ordered(state, wanted)) decide(*resource);
        decide_removals(wanted, state);
        for (auto& [id, number] : draft_of_)
            if (drafts_[number].step.action != Action::remove) wait_for_needs(wanted, *wanted.at(id), number);
        keep_direct_waits();
        return finished();
    }

    Wanted indexed(const WantedState& state) const {
        Wanted wanted;
        for (const auto& resource : state.resources)
            if (!wanted.emplace(resource.id, &resource).second) fail(state, resource.id.text() + " stands in it twice");
        for (const auto& resource : state.resources)
            for (const auto& need : resource.needs)
                if (!wanted.contains(need) && (state.complete || !current_.contains(need)))
                    fail(state, fmt::format("{} needs {}, which is not there", resource.id.text(), need.text()));
        return wanted;
    }

    [[noreturn]] static void fail(const WantedState& state, const std::string& what) {
        throw Error(ErrorKind::internal, fmt::format("no plan leads to the state \"{}\": {}", state.name, what));
    }

    /// The resources of the state, each behind what it needs, directly or through what stays as it is; else as listed.
    std::vector<const Resource*> ordered(const WantedState& state, const Wanted& wanted) const {
        std::vector<const Resource*> order;
        std::map<ResourceId, bool> done;  // false: we are inside
        std::vector<std::string> path;
        std::function<void(const ResourceId&)> visit = [&](const ResourceId& id) {
            const auto listed = wanted.find(id);
            const auto known = current_.find(id);
            if (listed == wanted.end() && known == current_.end()) return;
            path.push_back(id.text());
            const auto [it, first] = done.emplace(id, false);
            if (!first && !it->second) fail(state, "resources need each other: " + joined(path, " -> "));
            if (first) {
                for (const auto& need : listed == wanted.end() ? known->second.resource.needs : listed->second->needs)
                    visit(need);
                done[id] = true;
                if (listed != wanted.end()) order.push_back(listed->second);
            }
            path.pop_back();
        };
        for (const auto& resource : state.resources) visit(resource.id);
        return order;
    }

    void decide(const Resource& wanted) {
        const auto it = current_.find(wanted.id);
        if (it == current_.end()) return add(Action::create, wanted, Reason::does_not_exist, "");
        const KnownResource& known = it->second;
        if (known.needs_recreate) return add(Action::create, wanted, Reason::needs_recreate, "");
        if (const auto changes = differences(known.resource, wanted); !changes.empty())
            return add(Action::update, wanted, Reason::has_diff, in_words(changes));
        if (!known.error.empty())
            return add(Action::update, wanted, Reason::has_error, shortened(known.error, kLongestError));
        for (const auto& need : wanted.needs)
            if (made_anew_since_touched(need, wanted.id)) return add_shaken(wanted, need);
        if (options_.force_update && last_ && !touched_.contains(wanted.id))
            add(Action::update, wanted, Reason::force_update, "");
    }

    void add_shaken(const Resource& wanted, const ResourceId& need) {
        const std::string root = made_anew_.at(need).root;
        add(Action::update, wanted, Reason::dependency_updated, root + " is made anew");
        made_anew_[wanted.id] = {number_, root};
    }

    bool made_anew_since_touched(const ResourceId& need, const ResourceId& id) const {
        const auto made = made_anew_.find(need);
        if (made == made_anew_.end()) return false;
        const auto touched = touched_.find(id);
        return touched == touched_.end() || touched->second < made->second.state;
    }

    void add(Action action, const Resource& resource, Reason reason, std::string why) {
        draft_of_[resource.id] = drafts_.size();
        Step step;
        step.id = fmt::format("{}.{}.{}", number_, resource.id.text(), to_string(action));
        step.action = action;
        step.resource = resource;
        step.reason = reason;
        step.why = std::move(why);
        step.impact = impact_of(action, resource.id, reason);
        drafts_.push_back({std::move(step), {}});
        touched_[resource.id] = number_;
        if (action == Action::create && takes_along(resource.id))
            made_anew_[resource.id] = {number_, resource.id.text()};
    }

    /// Each behind the removals of what needed it, behind the updates of what needed it, and behind those of what it
    /// needs itself (so that nothing is taken from a server while this server is restarted).
    void decide_removals(const Wanted& wanted, const WantedState& state) {
        std::map<ResourceId, std::vector<ResourceId>> needed_by;
        for (const auto& [id, known] : current_)
            for (const auto& need : known.resource.needs) needed_by[need].push_back(id);
        std::set<ResourceId> inside;
        std::function<void(const ResourceId&)> visit = [&](const ResourceId& id) {
            if (draft_of_.contains(id) || wanted.contains(id)) return;
            if (!inside.insert(id).second)
                throw Error(ErrorKind::internal, "known resources need each other, among them " + id.text());
            for (const auto& user : needed_by[id]) visit(user);
            add(Action::remove, current_.at(id).resource, Reason::not_wanted, "");
            const std::size_t number = draft_of_.at(id);
            for (const auto& user : needed_by[id])
                if (const auto it = draft_of_.find(user); it != draft_of_.end())
                    drafts_[number].after.insert(it->second);
            wait_for_needs(wanted, current_.at(id).resource, number);
        };
        if (state.complete)
            for (const auto& [id, known] : current_) visit(id);
        for (const auto& id : state.gone)
            if (current_.contains(id)) visit(id);
    }

    /// Makes a step wait for the creations and updates of what its resource needs, directly or through what stays as it
    /// is.
    void wait_for_needs(const Wanted& wanted, const Resource& resource, std::size_t number) {
        std::set<ResourceId> seen;
        std::function<void(const Resource&)> follow = [&](const Resource& from) {
            for (const auto& need : from.needs) {
                if (!seen.insert(need).second) continue;
                const auto draft = draft_of_.find(need);
                if (draft != draft_of_.end()) {
                    if (drafts_[draft->second].step.action != Action::remove)
                        drafts_[number].after.insert(draft->second);
                } else if (const auto it = wanted.find(need); it != wanted.end()) {
                    follow(*it->second);
                } else if (const auto known = current_.find(need); known != current_.end()) {
                    follow(known->second.resource);
                }
            }
        };
        follow(resource);
    }

    /// Leaves out the waits that follow from others. Steps stand behind those they wait for, so one pass does.
    void keep_direct_waits() {
        std::vector<std::vector<bool>> before(drafts_.size(), std::vector<bool>(drafts_.size()));
        for (std::size_t i = 0; i < drafts_.size(); ++i) {
            std::set<std::size_t> direct;
            for (auto it = drafts_[i].after.rbegin(); it != drafts_[i].after.rend(); ++it) {
                if (before[i][*it]) continue;
                direct.insert(*it);
                before[i][*it] = true;
                for (std::size_t j = 0; j < *it; ++j)
                    if (before[*it][j]) before[i][j] = true;
            }
            drafts_[i].after = std::move(direct);
        }
    }

    /// Steps of the drafts; those that wait for none of them wait for the ends of the state before.
    std::vector<Step> finished() {
        if (drafts_.empty()) return {};
        std::set<std::size_t> waited_for;
        std::vector<Step> steps;
        for (auto& draft : drafts_) {
            for (const std::size_t number : draft.after) draft.step.after.push_back(drafts_[number].step.id);
            if (draft.after.empty()) draft.step.after = ends_;
            waited_for.insert(draft.after.begin(), draft.after.end());
            steps.push_back(draft.step);
            if (draft.step.action == Action::remove)
                current_.erase(draft.step.resource.id);
            else
                current_[draft.step.resource.id] = {draft.step.resource, false, {}};
        }
        ends_.clear();
        for (std::size_t i = 0; i < steps.size(); ++i)
            if (!waited_for.contains(i)) ends_.push_back(steps[i].id);
        return steps;
    }

    const PlanOptions& options_;
    Known current_;
    int number_ = 0;     ///< of the state at hand
    bool last_ = false;  ///< it is the last one
    std::vector<Draft> drafts_;
    std::map<ResourceId, std::size_t> draft_of_;
    struct MadeAnew {
        int state = 0;     ///< number of the state in which it was
        std::string root;  ///< the resource that was missing: itself, or one that it stands on
    };
    std::map<ResourceId, MadeAnew> made_anew_;
    std::map<ResourceId, int> touched_;  ///< number of the last state with a step
    std::vector<std::string> ends_;      ///< steps of the last state with steps that nobody of it waits for
};

}  // namespace

Plan make_plan(const Known& now, const std::vector<WantedState>& states, const PlanOptions& options) {
    return Planner(now, options).plan(states);
}

}  // namespace pgedge
