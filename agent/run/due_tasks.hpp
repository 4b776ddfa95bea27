#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "agent/store/store.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/base/clock.hpp"

namespace pgedge {

/// Tasks of one step that wait for their time: open, without a stage, beside the operations of their owner. At their
/// time the scheduler makes them tasks like any other. All return statements; safe from any thread.
class DueTasks {
public:
    /// One that nobody could begin so long after its time has been missed: people have gone home.
    static constexpr std::chrono::seconds kMissedAfter{60};

    static std::vector<Statement> insert(const Task& task, const StepRow& step, WallTime due);
    /// When it begins; nullopt: it is not such a task.
    static std::optional<WallTime> due(const OpenTask& task);
    /// Refused (guard) when it does not wait any more, or while its owner has another operation.
    static std::vector<Statement> begin(const OpenTask& task);
    /// Refused (guard) when it does not wait any more.
    static std::vector<Statement> fail(const Task& task, const std::string& error, WallTime now);
    static std::vector<Statement> cancel(const std::string& task_id, WallTime now);
};

}  // namespace pgedge
