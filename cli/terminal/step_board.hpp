#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "cli/terminal/text.hpp"
#include "common/api/answers.hpp"

namespace pgedge {

/// The steps of one task as its log tells them: which host does what, since when, and what became of it. A value: takes
/// log entries, gives lines. Not for two threads at once.
class StepBoard {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// `planned`: how many steps the task has; 0 when nobody knows.
    StepBoard(std::string title, std::size_t planned) : title_(std::move(title)), planned_(planned) {}
    void take(const LogEntryAnswer& entry, Time now);
    void take(const ProgressAnswer& progress) { progress_ = progress; }

    /// At most `rows` lines (one at least) of at most `columns`: the title with its count and time, then each host with
    /// its steps. When they are too many, finished steps are only counted; when they still are, so are running ones,
    /// and the longest running and the failed ones are shown.
    std::vector<std::string> lines(Time now, Time since, int columns, int rows, const Style& style) const;
    std::size_t done() const { return done_; }

private:
    enum class State { running, done, failed };
    struct StepLine {
        std::string text, error;
        State state = State::running;
        Time began;
        std::chrono::milliseconds took{0};
    };
    struct HostLines {
        std::map<std::string, std::size_t> index;  ///< by resource
        std::vector<StepLine> steps;
    };
    std::string head(Time now, Time since) const;
    std::string shown(const StepLine& step, Time now, int columns, const Style& style) const;
    void add_counted(std::vector<std::string>& lines, Time now, int columns, std::size_t room,
                     const Style& style) const;

    std::string title_;
    std::size_t planned_, done_ = 0;
    std::string note_;  ///< the last entry that was about no resource
    std::map<std::string, HostLines> hosts_;
    ProgressAnswer progress_;
};

/// "host-2: copying storefront-n1-a: 1.5GiB of 4.0GiB (37 %)": how far a step is.
std::string progress_line(const StepProgressAnswer& step);

}  // namespace pgedge
