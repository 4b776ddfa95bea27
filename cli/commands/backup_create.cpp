#include "cli/commands/commands.hpp"
#include "cli/names.hpp"
#include "cli/tasks.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// {"k": "v"} of the words "k=v".
Json by_name(const std::vector<std::string>& words, const char* option) {
    Json map = Json::object();
    for (const auto& word : words) {
        const auto equals = word.find('=');
        if (equals == std::string::npos || equals == 0)
            throw UsageError(std::string(option) + ": '" + word + "' is not NAME=VALUE", "");
        map[word.substr(0, equals)] = word.substr(equals + 1);
    }
    return map;
}

class BackupCreate final : public CliCommand {
public:
    BackupCreate() : CliCommand("create", "Back a node up, from its primary") {
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        option("-n,--node", "NODE", node_, "Name of the node (default: the only one)").completed_with(Completes::nodes);
        option("--type", "TYPE", type_, "What is copied; without a backup to build on it is all (default: incr)")
            .one_of({"full", "diff", "incr"});
        option("--annotation", "NAME=VALUE", annotations_, "Note it down with the backup");
        option("--option", "NAME=VALUE", options_, "An option of pgbackrest backup");
        flag("--force", force_, "Also when the database is not in a state for it");
        example("pgedgectl backup create storefront --node n1 --type full", "a full backup into each repository");
        example("pgedgectl backup create storefront -n n1 --annotation why=before-release",
                "what changed since the last");
        describe(
            "Needs a backup_config in the spec. The command follows the task to its end; cancelling the task ends the "
            "backup, and the next one takes over what is of use of it.");
    }

    int run(Session& session) override {
        const auto node = node_.empty() ? only_node(session) : named_node(session, database_, node_).name;
        Json body{{"type", type_}};
        if (!annotations_.empty()) body["annotations"] = by_name(annotations_, "--annotation");
        if (!options_.empty()) body["backup_options"] = by_name(options_, "--option");
        auto task = session.api().back_up(database_, node, body, force_);
        if (!session.options().no_wait) task = follow_task(session, task);
        session.show(task.json, {task.id}, [&](std::ostream& out) {
            if (task.is_final())
                out << "node " << clean(node) << " is backed up; see: pgedgectl backup list " << clean(database_)
                    << '\n';
            else
                out << "task " << clean(task.id) << " has begun; follow it: pgedgectl task watch " << clean(task.id)
                    << '\n';
        });
        return kDone;
    }

private:
    std::string only_node(Session& session) const {
        const auto nodes = named_nodes(session, database_);
        if (nodes.size() == 1) return nodes.front().name;
        std::vector<std::string> names;
        for (const auto& node : nodes) names.push_back(node.name);
        throw UsageError("--node is needed: database " + database_ + " has " + std::to_string(nodes.size()) + " nodes",
                         "it has: " + joined(names, ", "));
    }

    std::string database_, node_, type_ = "incr";
    std::vector<std::string> annotations_, options_;
    bool force_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_backup_create() { return std::make_unique<BackupCreate>(); }

}  // namespace pgedge
