#include <optional>

#include "cli/commands/commands.hpp"
#include "cli/names.hpp"
#include "cli/terminal/table.hpp"
#include "common/base/size_text.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

std::string notes_of(const BackupAnswer& backup) {
    std::vector<std::string> notes;
    if (backup.error) notes.emplace_back("has pages with wrong checksums");
    for (const auto& [name, value] : backup.annotations) notes.push_back(name + "=" + value);
    return cut_to(clean(joined(notes, ", ")), 60);
}

std::string wal_of(const BackupAnswer& backup) {
    return backup.wal_start.empty() ? "" : backup.wal_start + ".." + backup.wal_stop;
}

class BackupList final : public CliCommand {
public:
    BackupList() : CliCommand("list", "List the backups of a node, as its repositories know them") {
        also_called("ls");
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        option("-n,--node", "NODE", node_, "Name of the node (default: all that have backups)")
            .completed_with(Completes::nodes);
        example("pgedgectl backup list storefront --node n1", "all of them, the oldest first");
    }

    int run(Session& session) override {
        std::vector<std::string> nodes;
        if (node_.empty())
            for (const auto& node : named_nodes(session, database_)) nodes.push_back(node.name);
        else
            nodes.push_back(named_node(session, database_, node_).name);
        Json result = Json::array();
        std::vector<std::string> names;
        Table table({"NODE", "LABEL", "TYPE", "REPO", "STARTED", "COMPLETED", "SIZE", "IN REPO", "WAL", "NOTES"});
        bool backed_up = false, all_known = true;
        for (const auto& node : nodes) {
            const auto found = backups_of(session, node);
            if (!found) continue;
            for (const auto& error : found->errors) session.note("node " + node + ": " + error);
            backed_up = true;
            all_known = all_known && found->errors.empty();
            for (const auto& backup : found->backups) {
                Json shown = backup.json;
                shown["node_name"] = node;
                result.push_back(std::move(shown));
                names.push_back(backup.label);
                table.add({node, backup.label, backup.type, std::to_string(backup.repository), backup.started_at,
                           backup.completed_at, size_text(backup.database_bytes), size_text(backup.repository_bytes),
                           wal_of(backup), notes_of(backup)});
            }
        }
        session.show({{"backups", std::move(result)}}, names, [&](std::ostream& out) {
            if (!names.empty())
                table.print(out, session.style());
            else if (backed_up && all_known)
                session.note("there is no backup yet; make one: pgedgectl backup create " + database_);
        });
        return kDone;
    }

private:
    /// nullopt: this is one of all nodes, and is not backed up.
    std::optional<BackupsAnswer> backups_of(Session& session, const std::string& node) const {
        try {
            return session.api().backups(database_, node);
        } catch (const Error& error) {
            if (!node_.empty() || error.kind() != ErrorKind::invalid_input) throw;
            session.note("node " + node + ": " + error.text());
            return std::nullopt;
        }
    }

    std::string database_, node_;
};

}  // namespace

std::unique_ptr<CliCommand> make_backup_list() { return std::make_unique<BackupList>(); }

}  // namespace pgedge
