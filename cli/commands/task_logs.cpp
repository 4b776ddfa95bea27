#include "cli/commands/commands.hpp"
#include "cli/tasks.hpp"

namespace pgedge {
namespace {

class TaskLogs final : public CliCommand {
public:
    TaskLogs() : CliCommand("logs", "Print the log of a task") {
        also_called("log");
        argument("task", task_, "Id of the task, or the beginning of it").required().completed_with(Completes::tasks);
        option("-n,--lines", "COUNT", lines_, 1, 100000, "Only the last so many lines");
        example("pgedgectl task logs 0199d3", "all of it");
        example("pgedgectl task logs 0199d3 -n 20", "the end of it");
    }

    int run(Session& session) override {
        const TaskAnswer task = find_task(session, task_);
        const auto entries = session.api().task_log(task.id, lines_ > 0 ? std::optional(lines_) : std::nullopt);
        Json result = Json::array();
        std::vector<std::string> ids;
        for (const auto& entry : entries) {
            result.push_back(entry.json);
            ids.push_back(entry.id);
        }
        session.show(result, ids, [&](std::ostream& out) {
            for (const auto& entry : entries) out << log_line(entry) << '\n';
        });
        return kDone;
    }

private:
    std::string task_;
    int lines_ = 0;
};

}  // namespace

std::unique_ptr<CliCommand> make_task_logs() { return std::make_unique<TaskLogs>(); }

}  // namespace pgedge
