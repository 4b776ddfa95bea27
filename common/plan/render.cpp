#include "common/plan/render.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kNamesInSummary = 3, kReasonsOfGroup = 3;

std::string painted(const Painter& paint, Paint what, const std::string& text) {
    return paint ? paint(what, text) : text;
}

std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string mark(Action action, const Painter& paint) {
    switch (action) {
        case Action::create: return painted(paint, Paint::create, "+");
        case Action::update: return painted(paint, Paint::change, "~");
        case Action::remove: return painted(paint, Paint::remove, "-");
    }
    return "?";
}

/// Why a step is there; empty where the mark says it all.
std::string reason_text(const Step& step) {
    switch (step.reason) {
        case Reason::does_not_exist:
        case Reason::not_wanted: return step.why;
        case Reason::needs_recreate: return "is missing: made anew";
        case Reason::has_diff: return step.why;
        case Reason::force_update: return "forced";
        case Reason::dependency_updated: return step.why;
        case Reason::has_error: return "failed before: " + step.why;
    }
    return {};
}

/// What follows the name of what is changed.
std::string remarks(const Impact& impact, const std::string& reason, const Painter& paint) {
    std::string text;
    if (impact.restart) text += "  " + painted(paint, Paint::restart, "restart");
    if (impact.deletes_data) text += "  " + painted(paint, Paint::danger, "DELETES DATA");
    if (!reason.empty()) text += "  " + painted(paint, Paint::faint, "(" + reason + ")");
    return text;
}

std::string line_of(const Step& step, const Painter& paint, const std::string& where = {}) {
    return fmt::format("{} {} {}{}{}", mark(step.action, paint), step.resource.id.kind, step.resource.id.name, where,
                       remarks(step.impact, reason_text(step), paint));
}

/// The number of the state that a step leads to.
std::size_t state_of(const Step& step) {
    std::size_t number = 0;
    for (const char digit : step.id) {
        if (digit < '0' || digit > '9' || number > 1'000'000) break;
        number = number * 10 + static_cast<std::size_t>(digit - '0');
    }
    return number;
}

std::string heading_of(const Plan& plan, std::size_t state, const Painter& paint) {
    return "\n" + painted(paint, Paint::heading, "== " + plan.states[state] + " ==") + "\n";
}

std::string on_host(const Step& step) { return step.resource.host_id.empty() ? "" : " on " + step.resource.host_id; }

/// The steps of one state that belong to one instance, or to the replication from one node to another one.
struct Group {
    std::string instance;  ///< empty for a link, and for a step that belongs to neither
    std::string from, to;
    std::vector<const Step*> steps;

    bool is_link() const { return !from.empty(); }
};

std::string text_in(const Json& want, const char* name) {
    const auto it = want.find(name);
    return it != want.end() && it->is_string() ? it->get<std::string>() : "";
}

std::vector<Group> groups_of(const std::vector<const Step*>& steps) {
    std::vector<Group> groups;
    for (const Step* step : steps) {
        const Json& want = step->resource.want;
        const std::string from = text_in(want, "provider"), to = text_in(want, "subscriber");
        Group belongs;
        if (!from.empty() && !to.empty()) {
            belongs.from = from;
            belongs.to = to;
        } else if (step->resource.id.kind == "database.physical_slot") {
            belongs.instance = step->resource.id.name;  // its primary keeps it, for the replica of this name
        } else {
            belongs.instance = instance_of(step->resource);
        }
        const bool alone = belongs.instance.empty() && !belongs.is_link();
        auto it = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
            return !alone && group.instance == belongs.instance && group.from == belongs.from && group.to == belongs.to;
        });
        if (it == groups.end()) it = groups.insert(groups.end(), std::move(belongs));
        it->steps.push_back(step);
    }
    return groups;
}

/// Creation and removal when all steps are that; else the group is there before and after.
Action action_of(const Group& group) {
    const Action first = group.steps.front()->action;
    const bool same =
        std::all_of(group.steps.begin(), group.steps.end(), [&](const Step* step) { return step->action == first; });
    return same ? first : Action::update;
}

/// True when `reason` says nothing that one of `told` does not: a server restarts for some of the changes of its
/// configuration.
bool is_told(const std::string& reason, const std::vector<std::string>& told) {
    const auto parts_of = [](const std::string& text) {
        std::set<std::string> parts;
        for (const auto& part : split(text, ',')) parts.emplace(trimmed(part));
        return parts;
    };
    const auto parts = parts_of(reason);
    return std::any_of(told.begin(), told.end(), [&](const std::string& other) {
        const auto known = parts_of(other);
        return std::includes(known.begin(), known.end(), parts.begin(), parts.end());
    });
}

/// What the steps of a group are there for, each reason once. That one follows from another one of the plan is told
/// only when there is nothing else to tell.
std::string reasons_of(const Group& group) {
    std::vector<std::string> own, followed;
    for (const Step* step : group.steps) {
        std::string reason = reason_text(*step);
        if (reason.empty()) continue;
        if (step->reason == Reason::needs_recreate || step->reason == Reason::has_error)
            reason = step->resource.id.kind + " " + reason;
        auto& reasons = step->reason == Reason::dependency_updated ? followed : own;
        if (!is_told(reason, reasons)) reasons.push_back(reason);
    }
    auto& reasons = own.empty() ? followed : own;
    if (reasons.size() > kReasonsOfGroup) {
        const std::size_t more = reasons.size() - kReasonsOfGroup;
        reasons.resize(kReasonsOfGroup);
        reasons.push_back(fmt::format("{} more", more));
    }
    return joined(reasons, "; ");
}

Impact impact_of(const Group& group) {
    Impact impact;
    for (const Step* step : group.steps) {
        impact.restart = impact.restart || step->impact.restart;
        impact.deletes_data = impact.deletes_data || step->impact.deletes_data;
    }
    return impact;
}

/// Where an instance is: the slot that its primary keeps for it is elsewhere.
const Step& at_home(const Group& group) {
    const auto it = std::find_if(group.steps.begin(), group.steps.end(),
                                 [&](const Step* step) { return instance_of(step->resource) == group.instance; });
    return it == group.steps.end() ? *group.steps.front() : **it;
}

/// Links that are told in one line, since the same is done to each: from one node to many, or from many to one.
struct Links {
    std::string mark, remarks;
    std::vector<std::string> from, to;
    const Step* only = nullptr;  ///< of a single link with a single step
};

bool is_same_work(const Links& a, const Links& b) { return a.mark == b.mark && a.remarks == b.remarks; }

/// Links of one target each become lines by provider; providers that are left with a single subscriber, by that.
std::vector<Links> merged(const std::vector<Links>& links) {
    std::vector<Links> by_provider, all;
    for (const auto& link : links) {
        const auto it = std::find_if(by_provider.begin(), by_provider.end(), [&](const Links& other) {
            return other.from == link.from && is_same_work(other, link);
        });
        if (it == by_provider.end()) {
            by_provider.push_back(link);
        } else {
            it->to.insert(it->to.end(), link.to.begin(), link.to.end());
            it->only = nullptr;
        }
    }
    for (const auto& link : by_provider) {
        const auto it = std::find_if(all.begin(), all.end(), [&](const Links& other) {
            return link.to.size() == 1 && other.to == link.to && is_same_work(other, link);
        });
        if (it == all.end()) {
            all.push_back(link);
        } else {
            it->from.insert(it->from.end(), link.from.begin(), link.from.end());
            it->only = nullptr;
        }
    }
    return all;
}

/// The lines of one state: instances and single steps in their order, then links.
std::vector<std::string> grouped_lines(const std::vector<const Step*>& steps, const Painter& paint) {
    std::vector<std::string> lines;
    std::vector<Links> links;
    for (const auto& group : groups_of(steps)) {
        const Step* only = group.steps.size() == 1 ? group.steps.front() : nullptr;
        const std::string sign = mark(action_of(group), paint),
                          tail = remarks(impact_of(group), reasons_of(group), paint);
        if (group.is_link())
            links.push_back({sign, tail, {group.from}, {group.to}, only});
        else if (only)
            lines.push_back(line_of(*only, paint, on_host(*only)));
        else
            lines.push_back(fmt::format("{} instance {}{}{}", sign, group.instance, on_host(at_home(group)), tail));
    }
    for (const auto& line : merged(links)) {
        const bool many = line.from.size() + line.to.size() > 2;
        lines.push_back(line.only ? line_of(*line.only, paint, on_host(*line.only))
                                  : fmt::format("{} {} from {} to {}{}", line.mark, many ? "links" : "link",
                                                joined(line.from, ", "), joined(line.to, ", "), line.remarks));
    }
    return lines;
}

}  // namespace

PlanSummary summary_of(const Plan& plan) {
    PlanSummary summary;
    for (const auto& step : plan.steps) {
        summary.creates += step.action == Action::create;
        summary.updates += step.action == Action::update;
        summary.removes += step.action == Action::remove;
        summary.restarts += step.impact.restart;
        const auto& name = step.resource.id.name;
        if (step.impact.deletes_data &&
            std::find(summary.data_of.begin(), summary.data_of.end(), name) == summary.data_of.end())
            summary.data_of.push_back(name);
    }
    return summary;
}

std::string summary_line(const Plan& plan, const Painter& paint) {
    if (plan.empty()) return "nothing to do";
    const PlanSummary summary = summary_of(plan);
    std::string line = fmt::format("{} {} {}", painted(paint, Paint::create, fmt::format("+{}", summary.creates)),
                                   painted(paint, Paint::change, fmt::format("~{}", summary.updates)),
                                   painted(paint, Paint::remove, fmt::format("-{}", summary.removes)));
    if (summary.restarts > 0) line += ", " + painted(paint, Paint::restart, counted(summary.restarts, "restart"));
    if (summary.data_of.empty()) return line + ", no data loss";
    const std::string whose = summary.data_of.size() > kNamesInSummary ? counted(summary.data_of.size(), "instance")
                                                                       : joined(summary.data_of, ", ");
    return line + ", " + painted(paint, Paint::danger, "DELETES DATA of " + whose);
}

std::string render(const Plan& plan, const Painter& paint) {
    std::string text = summary_line(plan, paint) + "\n";
    // By state, then by host in the order in which they first appear.
    std::map<std::size_t, std::vector<std::pair<std::string, std::vector<std::string>>>> lines;
    for (const auto& step : plan.steps) {
        auto& hosts = lines[state_of(step)];
        const std::string& host = step.resource.host_id;
        auto it = std::find_if(hosts.begin(), hosts.end(), [&](const auto& each) { return each.first == host; });
        if (it == hosts.end()) it = hosts.insert(hosts.end(), {host, {}});
        it->second.push_back(line_of(step, paint));
    }
    for (const auto& [state, hosts] : lines) {
        if (lines.size() > 1 && state < plan.states.size()) text += heading_of(plan, state, paint);
        for (const auto& [host, steps] : hosts) {
            text += "\n" + painted(paint, Paint::heading, host.empty() ? "any host" : host) + "\n";
            for (const auto& line : steps) text += "  " + line + "\n";
        }
    }
    return text;
}

std::string render_grouped(const Plan& plan, const Painter& paint) {
    std::string text = summary_line(plan, paint) + "\n";
    std::map<std::size_t, std::vector<const Step*>> states;
    for (const auto& step : plan.steps) states[state_of(step)].push_back(&step);
    std::size_t shown = 0;
    for (const auto& [state, steps] : states) {
        text += states.size() > 1 && state < plan.states.size() ? heading_of(plan, state, paint) : "\n";
        const auto lines = grouped_lines(steps, paint);
        for (const auto& line : lines) text += "  " + line + "\n";
        shown += lines.size();
    }
    if (shown < plan.steps.size())
        text += "\n" + painted(paint, Paint::faint, fmt::format("{} steps; --details lists each", plan.steps.size())) +
                "\n";
    return text;
}

}  // namespace pgedge
