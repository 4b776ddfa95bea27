#include "common/spec/problem.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace pgedge {

void add_problem(std::vector<Problem>& problems, Problem problem) {
    if (problems.size() < kMaxProblems)
        problems.push_back(std::move(problem));
    else if (problems.size() == kMaxProblems)
        problems.push_back({.name = std::move(problem.name), .more = 1});
    else
        ++problems.back().more;
}

void limit_problems(std::vector<Problem>& problems) {
    std::size_t more = 0;
    std::erase_if(problems, [&](const Problem& problem) {
        more += problem.more;
        return problem.more > 0;
    });
    if (problems.size() > kMaxProblems) {
        more += problems.size() - kMaxProblems;
        problems.erase(problems.begin() + kMaxProblems, problems.end());
    }
    if (more == 0) return;
    std::string name = problems.empty() ? Problem{}.name : problems.back().name;
    problems.push_back({.name = std::move(name), .more = more});
}

std::string more_text(std::size_t more) {
    return fmt::format("and {} more {}", more, more == 1 ? "problem" : "problems");
}

std::size_t more_in(std::string_view line) {
    std::size_t more = 0;
    constexpr std::string_view kAnd = "and ";
    if (line.starts_with(kAnd)) std::from_chars(line.data() + kAnd.size(), line.data() + line.size(), more);
    return more > 0 && line == more_text(more) ? more : 0;
}

std::string to_line(const Problem& problem) {
    if (problem.more > 0) return more_text(problem.more);
    std::string_view path = problem.path;
    std::string line;
    if (!problem.file.empty()) {
        line = problem.file;
        if (problem.line > 0) line += fmt::format(":{}:{}", problem.line, problem.column);
        line += ": ";
    } else if (path.starts_with("spec.")) {
        path.remove_prefix(5);
    }
    if (!path.empty()) line += fmt::format("{}: ", path);
    line += problem.text;
    if (!problem.hint.empty()) line += fmt::format(" ({})", problem.hint);
    return line;
}

Error to_error(std::vector<Problem> problems) {
    if (problems.empty()) throw Error(ErrorKind::internal, "an error was wanted for a spec without problems");
    limit_problems(problems);
    std::string text;
    for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + to_line(problem);
    const auto& name = problems.front().name;
    const bool all_same =
        std::all_of(problems.begin(), problems.end(), [&](const auto& problem) { return problem.name == name; });
    return Error(ErrorKind::invalid_input, std::move(text)).named(all_same ? name : "invalid_input");
}

void throw_if_any(std::vector<Problem> problems) {
    if (!problems.empty()) throw to_error(std::move(problems));
}

}  // namespace pgedge
