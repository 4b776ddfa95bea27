#include "cli/failure.hpp"

#include "cli/terminal/text.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr const char* kManual = "pgedgectl(1)";

int exit_code_of(const std::exception& failure) {
    if (dynamic_cast<const UsageError*>(&failure)) return kUsage;
    if (const auto* task = dynamic_cast<const TaskError*>(&failure)) return task->task_exit_code();
    if (const auto* error = dynamic_cast<const Error*>(&failure)) return error->exit_code();
    return kFailed;
}

std::string code_of(const std::exception& failure) {
    if (dynamic_cast<const UsageError*>(&failure)) return "usage";
    if (const auto* task = dynamic_cast<const TaskError*>(&failure))
        return task->task_exit_code() == kTaskCancelled ? "task_canceled"
               : task->task_exit_code() == kTaskFailed  ? "task_failed"
                                                        : "still_running";
    if (const auto* error = dynamic_cast<const Error*>(&failure)) return std::string(error->name());
    return "internal";
}

bool is_retryable(const std::exception& failure) {
    const auto* error = dynamic_cast<const Error*>(&failure);
    return error && !dynamic_cast<const UsageError*>(&failure) && !dynamic_cast<const TaskError*>(&failure) &&
           (error->transient() || error->name() == "operation_already_in_progress");
}

/// "must be a number" of "spec.nodes[0].port" becomes "port must be a number"; without a path it is the file that must.
std::string with_name(const Problem& problem) {
    const bool needs_name =
        problem.text.starts_with("must ") || problem.text.starts_with("is ") || problem.text.starts_with("holds ");
    if (!needs_name) return clean(problem.text);
    if (problem.path.empty()) return "the file " + clean(problem.text);
    return clean(problem.path.substr(problem.path.rfind('.') + 1) + " " + problem.text);  // rfind: npos + 1 is 0
}

OrderedJson problem_json(const Problem& problem) {
    if (problem.more > 0) return {{"code", problem.name}, {"message", more_text(problem.more)}};
    OrderedJson json{{"code", problem.name}, {"message", with_name(problem)}, {"field", problem.path}};
    if (!problem.file.empty())
        json["location"] = {{"file", problem.file}, {"line", problem.line}, {"column", problem.column}};
    if (!problem.hint.empty()) json["hint"] = problem.hint;
    return json;
}

OrderedJson failure_json(const std::exception& failure) {
    const auto* spec = dynamic_cast<const SpecError*>(&failure);
    OrderedJson json = spec ? problem_json(spec->problems().front())
                            : OrderedJson{{"code", code_of(failure)}, {"message", clean(failure.what(), true)}};
    if (const auto* error = dynamic_cast<const Error*>(&failure); error && !spec && !error->hint().empty())
        json["hint"] = clean(error->hint());
    json["retryable"] = is_retryable(failure);
    json["exit"] = exit_code_of(failure);
    if (const auto* task = dynamic_cast<const TaskError*>(&failure)) json["task_id"] = task->task().id;
    json["docs"] = kManual;
    if (spec) {
        json["causes"] = OrderedJson::array();
        for (const auto& problem : spec->problems()) json["causes"].push_back(problem_json(problem));
    }
    return {{"error", std::move(json)}};
}

std::string place_of(const Problem& problem) {
    std::string place = problem.file;
    if (problem.line > 0) place += ":" + std::to_string(problem.line);
    if (problem.line > 0 && problem.column > 0) place += ":" + std::to_string(problem.column);
    if (!problem.path.empty()) place += (place.empty() ? "" : "  ") + problem.path;
    return clean(place);
}

void tell_problem(std::ostream& out, const Style& style, const Problem& problem) {
    if (problem.more > 0) {
        out << more_text(problem.more) << '\n';
        return;
    }
    out << style.red("error:") << ' ' << with_name(problem) << '\n';
    if (const auto place = place_of(problem); !place.empty()) out << "  --> " << place << '\n';
    if (!problem.hint.empty()) out << style.bold("hint:") << ' ' << clean(problem.hint) << '\n';
}

/// The user asked to stop watching: nothing went wrong.
bool is_detached(const std::exception& failure) {
    const auto* task = dynamic_cast<const TaskError*>(&failure);
    return task && (task->task_exit_code() == kInterrupted || task->task_exit_code() == kTerminated);
}

/// The first line behind "error:", the others below it.
void tell_error(std::ostream& out, const Style& style, const std::exception& failure) {
    const auto lines = split(clean(failure.what(), true), '\n');
    if (!is_detached(failure)) out << style.red("error:") << ' ';
    out << lines.front() << '\n';
    for (std::size_t i = 1; i < lines.size(); ++i) out << "  " << lines[i] << '\n';
    if (const auto* error = dynamic_cast<const Error*>(&failure); error && !error->hint().empty())
        out << style.bold("hint:") << ' ' << clean(error->hint()) << '\n';
}

}  // namespace

SpecError::SpecError(std::vector<Problem> problems)
    : Error(ErrorKind::invalid_input, "the spec has problems"), problems_(std::move(problems)) {
    if (problems_.empty()) throw Error(ErrorKind::internal, "a spec error without a problem");
    limit_problems(problems_);
}

int tell_failure(World& world, const GlobalOptions& options, const std::exception& failure) {
    const bool colour = world.terminal().err && !options.no_color &&
                        world.environment("NO_COLOR").value_or("").empty() &&
                        world.environment("TERM").value_or("") != "dumb";
    const Style style(colour);
    std::ostream& out = world.err();
    if (options.output == "json" || options.output == "yaml") {
        out << failure_json(failure).dump(2, ' ', false, OrderedJson::error_handler_t::replace) << std::endl;
    } else if (const auto* spec = dynamic_cast<const SpecError*>(&failure)) {
        for (const auto& problem : spec->problems()) tell_problem(out, style, problem);
    } else {
        tell_error(out, style, failure);
    }
    out.flush();
    return exit_code_of(failure);
}

}  // namespace pgedge
