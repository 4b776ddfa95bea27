#include "cli/commands/commands.hpp"
#include "cli/names.hpp"
#include "cli/show.hpp"

namespace pgedge {
namespace {

class TaskList final : public CliCommand {
public:
    TaskList() : CliCommand("list", "List tasks, the newest first") {
        also_called("ls");
        argument("database", database_, "Only tasks of this database").completed_with(Completes::databases);
        option("--host", "HOST", host_, "Only tasks of this host").completed_with(Completes::hosts);
        option("--limit", "COUNT", limit_, 1, 10000, "At most so many (default 20)");
        example("pgedgectl task list", "what was done last in the cluster");
        example("pgedgectl task list storefront --limit 5", "the last five operations on one database");
    }

    int run(Session& session) override {
        if (!database_.empty() && !host_.empty()) throw UsageError("choose a database or --host, not both");
        const auto tasks = session.api().tasks({.database_id = database_, .host_id = host_, .limit = limit_});
        if (tasks.empty()) check_there(session);
        Json result = Json::array();
        std::vector<std::string> ids;
        for (const auto& task : tasks) {
            result.push_back(task.json);
            ids.push_back(task.id);
        }
        session.show(result, ids, [&](std::ostream& out) {
            if (tasks.empty())
                session.note("there are no tasks");
            else
                show_tasks(out, session.style(), tasks);
        });
        return kDone;
    }

private:
    /// Agents list no tasks of what they do not know, and no error.
    void check_there(Session& session) const {
        if (!database_.empty()) named_database(session, database_);
        if (!host_.empty()) named_host(session, host_);
    }

    std::string database_, host_;
    int limit_ = 20;
};

}  // namespace

std::unique_ptr<CliCommand> make_task_list() { return std::make_unique<TaskList>(); }

}  // namespace pgedge
