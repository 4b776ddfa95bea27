#include "cli/commands/commands.hpp"
#include "cli/show.hpp"
#include "cli/tasks.hpp"

namespace pgedge {
namespace {

class TaskWatch final : public CliCommand {
public:
    TaskWatch() : CliCommand("watch", "Follow a task to its end") {
        argument("task", task_, "Id of the task, or the beginning of it").required().completed_with(Completes::tasks);
        example("pgedgectl task watch 0199d3", "its steps as they run; Ctrl-C stops the watching, not the task");
        example("pgedgectl task watch 0199d3 --timeout 10m || echo not done",
                "in a script: 8 failed, 9 cancelled, 3 still runs");
    }

    int run(Session& session) override {
        const TaskAnswer task = follow_task(session, find_task(session, task_), {.quiet_end = true});
        session.show(task.json, {task.id}, [&](std::ostream& out) { show_task(out, session.style(), task); });
        return kDone;
    }

private:
    std::string task_;
};

}  // namespace

std::unique_ptr<CliCommand> make_task_watch() { return std::make_unique<TaskWatch>(); }

}  // namespace pgedge
