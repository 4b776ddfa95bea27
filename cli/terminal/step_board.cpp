#include "cli/terminal/step_board.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/clock.hpp"

namespace pgedge {
namespace {

std::string text_field(const Json& fields, const char* name) {
    const auto it = fields.find(name);
    return it != fields.end() && it->is_string() ? clean(it->get<std::string>()) : "";
}

constexpr const char* kSpinner[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};

const char* spinner_at(StepBoard::Time now) {
    const auto tick = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() / 100;
    return kSpinner[tick % std::size(kSpinner)];
}

}  // namespace

void StepBoard::take(const LogEntryAnswer& entry, Time now) {
    const std::string kind = text_field(entry.fields, "resource_type"), name = text_field(entry.fields, "resource_id");
    if (kind.empty() || name.empty()) {
        note_ = clean(entry.message);
        return;
    }
    const bool ends = entry.message.starts_with("finished "), fails = entry.message.starts_with("error ");
    HostLines& host = hosts_[text_field(entry.fields, "host_id")];
    const auto [place, is_new] = host.index.try_emplace(kind + "::" + name, host.steps.size());
    if (is_new) host.steps.emplace_back();
    StepLine& step = host.steps[place->second];
    if (!ends && !fails) {  // "creating resource …": also again, after a failed try or in a later phase
        const std::string verb = entry.message.substr(0, entry.message.find(' '));
        step = StepLine{clean(verb) + " " + kind + " " + name, "", State::running, now, {}};
        return;
    }
    if (is_new) step.text = kind + " " + name;
    if (ends && step.state != State::done) ++done_;
    step.state = ends ? State::done : State::failed;
    step.error = text_field(entry.fields, "error");
    const auto took = entry.fields.find("duration_ms");
    step.took = took != entry.fields.end() && took->is_number_integer()
                    ? std::chrono::milliseconds(took->get<std::int64_t>())
                    : std::chrono::duration_cast<std::chrono::milliseconds>(now - step.began);
}

std::string StepBoard::shown(const StepLine& step, Time now, int columns, const Style& style) const {
    switch (step.state) {
        case State::done:
            return "  " + style.green("✓") + " " +
                   style.dim(cut_to(step.text + "  " + short_duration(step.took), columns - 4));
        case State::failed:
            return "  " + style.red("✗") + " " +
                   cut_to(step.text + (step.error.empty() ? "" : ": " + step.error), columns - 4);
        case State::running: break;
    }
    return "  " + style.yellow(spinner_at(now)) + " " +
           cut_to(step.text + "  " + short_duration(now - step.began), columns - 4);
}

std::vector<std::string> StepBoard::lines(Time now, Time since, int columns, int rows, const Style& style) const {
    std::size_t all = 1;
    for (const auto& [host, of_host] : hosts_) all += 1 + of_host.steps.size();
    const bool fits = all <= static_cast<std::size_t>(std::max(rows, 1));

    std::string head = title_ + "  ";
    if (planned_ > 0)
        head += fmt::format("{}/{} steps  ", std::min(done_, planned_), planned_);
    else if (done_ > 0)
        head += fmt::format("{} steps done  ", done_);
    head += short_duration(now - since);
    std::vector<std::string> lines{style.bold(cut_to(head, columns))};
    if (hosts_.empty() && !note_.empty()) lines.push_back("  " + cut_to(note_, columns - 2));
    for (const auto& [host, of_host] : hosts_) {
        const auto finished = std::count_if(of_host.steps.begin(), of_host.steps.end(),
                                            [](const auto& step) { return step.state == State::done; });
        std::string title = host.empty() ? "any host" : host;
        if (!fits && finished > 0) title += fmt::format("  {} done", finished);
        lines.push_back(cut_to(title, columns));
        for (const auto& step : of_host.steps)
            if (fits || step.state != State::done) lines.push_back(shown(step, now, columns, style));
    }
    if (rows > 0 && lines.size() > static_cast<std::size_t>(rows)) lines.resize(static_cast<std::size_t>(rows));
    return lines;
}

}  // namespace pgedge
