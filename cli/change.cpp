#include "cli/change.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "cli/failure.hpp"
#include "cli/tasks.hpp"
#include "common/base/limit.hpp"
#include "common/base/text.hpp"
#include "common/plan/render.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kWaitForRoles = 2s;  ///< at most: agents in trouble must not hold up the answer

std::string painted(const Style& style, Paint what, const std::string& text) {
    switch (what) {
        case Paint::heading: return style.bold(text);
        case Paint::create: return style.green(text);
        case Paint::change: return style.yellow(text);
        case Paint::restart: return style.yellow(text);
        case Paint::remove: return style.red(text);
        case Paint::danger: return style.bold(style.red(text));
        case Paint::faint: return style.dim(text);
    }
    return text;
}

/// Asks until everything that needs a yes has one; false when the answer was no.
bool agreed(Session& session, const std::vector<PlannedChange>& changes, Consent consent) {
    bool all_named = true;
    for (const auto& change : changes) {
        if (!change.has_work()) continue;
        if (change.is_delete || change.plan.deletes_data())
            session.confirm_loss_of(change.id);
        else
            all_named = false;
    }
    // To name what shall be deleted is more than a yes.
    return all_named || consent == Consent::given || session.confirmed("Do this?");
}

struct Begun {
    const PlannedChange* change;
    TaskAnswer task;
};

/// Lets each part run although another one fails: databases are independent of each other.
class FirstFailure {
public:
    explicit FirstFailure(Session& session) : session_(session) {}

    template <class Work>
    void attempt(const Work& work) {
        try {
            work();
        } catch (const TaskError& error) {
            const bool gave_up = error.task_exit_code() != kTaskFailed && error.task_exit_code() != kTaskCancelled;
            if (gave_up) throw;  // the user does not want to wait any longer, for none of them
            remember(error);
        } catch (const Error& error) {
            remember(error);
        }
    }
    void rethrow() const {
        if (first_) std::rethrow_exception(first_);
    }

private:
    /// The first is what the program ends with; the others are told now.
    void remember(const Error& error) {
        if (first_)
            session_.warn(error.text());
        else
            first_ = std::current_exception();
    }

    Session& session_;
    std::exception_ptr first_;
};

Json result_of(Session& session, const Begun& begun, bool waited, const Limit& limit) {
    Json result{{"id", begun.change->id}, {"type", begun.change->plan.type}, {"task", begun.task.json}};
    const ChangeKind& kind = *begun.change->kind;
    if (waited && !begun.change->is_delete)
        result[std::string(kind.noun())] = kind.outcome(session, begun.change->id, limit);
    return result;
}

void show_result(Session& session, const std::vector<Begun>& all, bool waited) {
    Json result{{"changes", true}, {"databases", Json::array()}};
    std::vector<std::string> names;
    const Limit limit(kWaitForRoles);
    for (const auto& begun : all) {
        result["databases"].push_back(result_of(session, begun, waited, limit));
        names.push_back(waited ? begun.change->id : begun.task.id);
    }
    session.show(result, names, [&](std::ostream& out) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (i > 0) out << '\n';
            const Json& one = result["databases"][i];
            const ChangeKind& kind = *all[i].change->kind;
            if (const auto outcome = one.find(std::string(kind.noun())); outcome != one.end())
                kind.show(out, session.style(), *outcome);
            else if (waited)
                out << kind.noun() << ' ' << clean(all[i].change->id) << " is deleted\n";
            else
                out << "task " << clean(all[i].task.id) << " has begun; follow it: pgedgectl task watch "
                    << clean(all[i].task.id) << '\n';
        }
    });
}

void show_plan(std::ostream& out, const Style& style, const PlannedChange& change, bool details) {
    if (!change.plan.changes) {
        out << style.bold(std::string(change.kind->noun()) + " " + clean(change.id)) << ": "
            << (change.is_delete     ? "no steps: only what is stored of it goes"
                : change.only_stores ? "no steps: only what is stored of it changes"
                                     : "nothing to do")
            << '\n';
        return;
    }
    const Painter painter = [&](Paint what, const std::string& text) { return painted(style, what, text); };
    out << style.bold(clean(change.plan.type + " " + std::string(change.kind->noun()) + " " + change.id)) << ": ";
    // The agent's words may hold anything; the colours are put in here.
    Plan plan = change.plan.plan;
    for (auto& step : plan.steps) {
        for (std::string* text : {&step.resource.id.kind, &step.resource.id.name, &step.resource.host_id, &step.why})
            *text = clean(*text);
        for (auto& value : step.resource.want)
            if (value.is_string()) value = clean(value.get<std::string>());
    }
    for (auto& state : plan.states) state = clean(state);
    out << (details ? render(plan, painter) : render_grouped(plan, painter));
}

}  // namespace

bool any_changes(const std::vector<PlannedChange>& changes) {
    return std::any_of(changes.begin(), changes.end(), [](const auto& change) { return change.has_work(); });
}

Json plans_json(const std::vector<PlannedChange>& changes) {
    Json all = Json::array();
    for (const auto& change : changes) {
        all.push_back(change.plan.json);
        if (change.only_stores) all.back()["only_stores_spec"] = true;
        if (!change.has_work()) continue;
        if (change.force && !change.is_delete) all.back()["force_update"] = true;
        if (!change.remove_hosts.empty()) all.back()["remove_hosts"] = change.remove_hosts;
    }
    return {{"changes", any_changes(changes)}, {"databases", std::move(all)}};
}

void show_plans(std::ostream& out, const Style& style, const std::vector<PlannedChange>& changes, bool details) {
    bool first = true;
    for (const auto& change : changes) {
        if (!std::exchange(first, false)) out << '\n';
        show_plan(out, style, change, details);
        if (!change.has_work()) continue;
        if (change.force && !change.is_delete) out << "\nalso touched: what does not differ (--force-update)\n";
        if (!change.remove_hosts.empty())
            out << "\ntreated as lost, nothing is done there: " << clean(joined(change.remove_hosts, ", ")) << '\n';
    }
}

int carry_out(Session& session, const std::vector<PlannedChange>& changes, bool details, Consent consent) {
    if (!any_changes(changes)) {
        std::vector<std::string> names;
        for (const auto& change : changes) names.push_back(change.id);
        session.show(plans_json(changes), names, [&](std::ostream& out) { out << "nothing to do\n"; });
        return kDone;
    }
    if (session.talks()) show_plans(session.world().err(), session.message_style(), changes, details);
    if (!agreed(session, changes, consent)) {
        session.note("nothing was done");
        return kUsage;
    }

    FirstFailure failures(session);
    std::vector<Begun> all;
    for (const auto& change : changes)
        if (change.has_work())
            failures.attempt([&] {
                within("beginning to " + change.plan.type + " " + std::string(change.kind->noun()) + " " + change.id,
                       [&] {
                           all.push_back({&change, change.kind->begin(session, change)});
                       });
            });
    const bool wait = !session.options().no_wait;
    if (wait)
        for (auto& begun : all)
            failures.attempt([&] {
                begun.task = follow_task(session, begun.task, {.planned_steps = begun.change->plan.plan.steps.size()});
            });
    failures.rethrow();
    show_result(session, all, wait);
    return kDone;
}

}  // namespace pgedge
