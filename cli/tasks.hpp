#pragma once

#include <string>

#include "cli/session.hpp"

namespace pgedge {

/// `at`, as --at takes it, as RFC 3339: also of "+2h", which is from now by the clock of this machine. Empty stays
/// empty. Throws UsageError.
std::string begin_time(Session& session, const std::string& at);

/// The task whose id is `id` or begins with it. Throws UsageError when several do, Error{not_found} when none does.
TaskAnswer find_task(Session& session, const std::string& id);

/// "2026-11-21T15:04:05Z  storefront: creating resource …": one log line for people, cleaned.
std::string log_line(const LogEntryAnswer& entry);

struct FollowOptions {
    std::size_t planned_steps = 0;  ///< 0: not known
    bool quiet_end = false;         ///< do not say how it ended: the caller does
};

/// Shows the log of a task as it comes, until the task's end: a tree of steps that redraws itself on a terminal, lines
/// with time elsewhere. Returns the completed task. Throws TaskError when it failed (exit code 8), was cancelled (9),
/// is still running when --timeout is over (3), or when the user interrupts (130): then the task goes on.
TaskAnswer follow_task(Session& session, const TaskAnswer& task, const FollowOptions& options = {});

}  // namespace pgedge
