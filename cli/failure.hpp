#pragma once

#include <exception>
#include <string>
#include <vector>

#include "cli/exit_codes.hpp"
#include "cli/options.hpp"
#include "cli/world.hpp"
#include "common/api/answers.hpp"
#include "common/spec/problem.hpp"

namespace pgedge {

/// Spec files that are wrong: all problems, with their places. Exit code 7.
class SpecError : public Error {
public:
    explicit SpecError(std::vector<Problem> problems);
    const std::vector<Problem>& problems() const { return problems_; }

private:
    std::vector<Problem> problems_;
};

/// A task that did not end well, or whose end was not awaited.
class TaskError : public Error {
public:
    TaskError(int exit_code, std::string text, std::string hint, TaskAnswer task)
        : Error(ErrorKind::failed, std::move(text), std::move(hint)), exit_code_(exit_code), task_(std::move(task)) {}
    int task_exit_code() const { return exit_code_; }
    const TaskAnswer& task() const { return task_; }

private:
    int exit_code_;
    TaskAnswer task_;
};

/// Tells the user what went wrong, on stderr: as text, or as {"error": {…}} when documents are wanted. Returns the exit
/// code that belongs to it.
int tell_failure(World& world, const GlobalOptions& options, const std::exception& failure);

}  // namespace pgedge
