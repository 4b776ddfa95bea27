#include "cli/commands/commands.hpp"
#include "cli/show.hpp"
#include "cli/tasks.hpp"

namespace pgedge {
namespace {

class TaskCancel final : public CliCommand {
public:
    TaskCancel() : CliCommand("cancel", "Ask a running task to stop") {
        argument("task", task_, "Id of the task, or the beginning of it").required().completed_with(Completes::tasks);
        example("pgedgectl task cancel 0199d3",
                "the database is left as far as the task came; apply it again to go on");
    }

    int run(Session& session) override {
        const TaskAnswer task = session.api().cancel_task(find_task(session, task_));
        session.show(task.json, {task.id}, [&](std::ostream& out) { show_task(out, session.style(), task); });
        return kDone;
    }

private:
    std::string task_;
};

}  // namespace

std::unique_ptr<CliCommand> make_task_cancel() { return std::make_unique<TaskCancel>(); }

}  // namespace pgedge
