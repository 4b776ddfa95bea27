#include "cli/terminal/step_board.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/clock.hpp"
#include "common/base/size_text.hpp"

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

std::string StepBoard::head(Time now, Time since) const {
    std::string head = title_ + "  ";
    if (planned_ > 0)
        head += fmt::format("{}/{} steps  ", std::min(done_, planned_), planned_);
    else if (done_ > 0)
        head += fmt::format("{} steps done  ", done_);
    return head + short_duration(now - since);
}

/// Each host with how many of its steps are done and are running, and as many of the latter as fit into `room` lines.
void StepBoard::add_counted(std::vector<std::string>& lines, Time now, int columns, std::size_t room,
                            const Style& style) const {
    const auto count = [](const HostLines& host, State state) {
        return std::count_if(host.steps.begin(), host.steps.end(),
                             [&](const StepLine& step) { return step.state == state; });
    };
    std::size_t unfinished = 0, hosts_left = hosts_.size();
    for (const auto& [name, host] : hosts_)
        unfinished += host.steps.size() - static_cast<std::size_t>(count(host, State::done));
    const bool all_unfinished_fit = hosts_.size() + unfinished <= room;

    for (const auto& [name, host] : hosts_) {
        if (room == 1 && hosts_left > 1) {
            lines.push_back(cut_to(fmt::format("and {} more hosts", hosts_left), columns));
            return;
        }
        std::vector<const StepLine*> shown_steps;
        for (const State state : {State::failed, State::running})
            for (const auto& step : host.steps)
                if (step.state == state) shown_steps.push_back(&step);
        const std::size_t lines_each = std::max<std::size_t>(1, all_unfinished_fit ? room : room / hosts_left);
        if (shown_steps.size() >= lines_each) shown_steps.resize(lines_each - 1);

        std::string title = name.empty() ? "any host" : name;
        if (const auto done = count(host, State::done); done > 0) title += fmt::format("  {} done", done);
        if (!all_unfinished_fit)
            for (const auto& [state, word] : {std::pair(State::running, "running"), std::pair(State::failed, "failed")})
                if (const auto many = count(host, state); many > 0) title += fmt::format("  {} {}", many, word);
        lines.push_back(cut_to(title, columns));
        for (const StepLine* step : shown_steps) lines.push_back(shown(*step, now, columns, style));
        room -= 1 + shown_steps.size();
        --hosts_left;
    }
}

std::string progress_line(const StepProgressAnswer& step) {
    const auto amount = [&](std::int64_t number) {
        if (step.unit == "bytes") return size_text(number);
        return std::to_string(number) + (step.unit.empty() ? "" : " " + clean(step.unit));
    };
    std::string line = step.host_id.empty() ? "" : clean(step.host_id) + ": ";
    if (!step.text.empty()) line += clean(step.text) + ": ";
    line += amount(step.done);
    if (step.total && *step.total > 0)
        line += fmt::format(" of {} ({} %)", amount(*step.total),
                            std::clamp<std::int64_t>(static_cast<std::int64_t>(100.0 * static_cast<double>(step.done) /
                                                                               static_cast<double>(*step.total)),
                                                     0, 100));
    return line;
}

std::vector<std::string> StepBoard::lines(Time now, Time since, int columns, int rows, const Style& style) const {
    std::size_t all = 1;
    for (const auto& [host, of_host] : hosts_) all += 1 + of_host.steps.size();
    all += progress_.running.size();
    const auto most = static_cast<std::size_t>(std::max(rows, 1));

    std::vector<std::string> lines{style.bold(cut_to(head(now, since), columns))};
    for (const auto& step : progress_.running)
        if (lines.size() + 1 < most) lines.push_back("  " + cut_to(progress_line(step), columns - 2));
    if (hosts_.empty() && !note_.empty() && most > lines.size()) lines.push_back("  " + cut_to(note_, columns - 2));
    if (all > most) {
        if (most > lines.size()) add_counted(lines, now, columns, most - lines.size(), style);
        return lines;
    }
    for (const auto& [host, of_host] : hosts_) {
        lines.push_back(cut_to(host.empty() ? "any host" : host, columns));
        for (const auto& step : of_host.steps) lines.push_back(shown(step, now, columns, style));
    }
    return lines;
}

}  // namespace pgedge
