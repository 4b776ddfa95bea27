#include "cli/commands/commands.hpp"
#include "cli/show.hpp"
#include "cli/tasks.hpp"

namespace pgedge {
namespace {

class TaskShow final : public CliCommand {
public:
    TaskShow() : CliCommand("show", "Show a task") {
        argument("task", task_, "Id of the task, or the beginning of it").required().completed_with(Completes::tasks);
        example("pgedgectl task show 0199d3", "its state, and why it failed");
    }

    int run(Session& session) override {
        const TaskAnswer task = find_task(session, task_);
        session.show(task.json, {task.id}, [&](std::ostream& out) { show_task(out, session.style(), task); });
        return kDone;
    }

private:
    std::string task_;
};

}  // namespace

std::unique_ptr<CliCommand> make_task_show() { return std::make_unique<TaskShow>(); }

}  // namespace pgedge
