#include "common/plan/render.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kNamesInSummary = 3;

std::string painted(const Painter& paint, Paint what, const std::string& text) {
    return paint ? paint(what, text) : text;
}

std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string mark(const Step& step, const Painter& paint) {
    switch (step.action) {
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

std::string line_of(const Step& step, const Painter& paint) {
    std::string line = fmt::format("{} {} {}", mark(step, paint), step.resource.id.kind, step.resource.id.name);
    if (step.impact.restart) line += "  " + painted(paint, Paint::restart, "restart");
    if (step.impact.deletes_data) line += "  " + painted(paint, Paint::danger, "DELETES DATA");
    if (const std::string reason = reason_text(step); !reason.empty())
        line += "  " + painted(paint, Paint::faint, "(" + reason + ")");
    return line;
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
        if (lines.size() > 1 && state < plan.states.size())
            text += "\n" + painted(paint, Paint::heading, "== " + plan.states[state] + " ==") + "\n";
        for (const auto& [host, steps] : hosts) {
            text += "\n" + painted(paint, Paint::heading, host.empty() ? "any host" : host) + "\n";
            for (const auto& line : steps) text += "  " + line + "\n";
        }
    }
    return text;
}

}  // namespace pgedge
