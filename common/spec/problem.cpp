#include "common/spec/problem.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace pgedge {

std::string to_line(const Problem& problem) {
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

Error to_error(const std::vector<Problem>& problems) {
    if (problems.empty()) throw Error(ErrorKind::internal, "an error was wanted for a spec without problems");
    std::string text;
    for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + to_line(problem);
    const auto& name = problems.front().name;
    const bool all_same =
        std::all_of(problems.begin(), problems.end(), [&](const auto& problem) { return problem.name == name; });
    return Error(ErrorKind::invalid_input, std::move(text)).named(all_same ? name : "invalid_input");
}

void throw_if_any(const std::vector<Problem>& problems) {
    if (!problems.empty()) throw to_error(problems);
}

}  // namespace pgedge
