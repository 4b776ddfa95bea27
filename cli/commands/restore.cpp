#include <algorithm>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/names.hpp"
#include "cli/tasks.hpp"
#include "common/base/text.hpp"
#include "common/model/backup.hpp"

namespace pgedge {
namespace {

class Restore final : public CliCommand {
public:
    Restore() : CliCommand("restore", "Replace the data of a database by those of a backup, up to a moment if wanted") {
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        option("--from", "NODE", from_, "The node whose backups are used (default: the first that has any)")
            .completed_with(Completes::nodes);
        option("-n,--node", "NODE", nodes_, "Only this node gets the data; may be repeated (default: all nodes)")
            .completed_with(Completes::nodes);
        option("--backup", "LABEL", backup_, "This backup (default: the last one before the target)");
        option("--time", "TIME", time_,
               "Up to the last commit before: 2026-11-21T10:00:00Z, or 2026-11-21 10:00:00+01");
        option("--lsn", "LSN", lsn_, "Up to this position of the log of the node that was backed up");
        option("--xid", "XID", xid_, "Up to and with this transaction");
        option("--name", "NAME", name_, "Up to this restore point, made by pg_create_restore_point");
        flag("--immediate", immediate_, "No further than the end of the backup");
        flag("--force", force_, "Also when the database is not in a state for it");
        example("pgedgectl restore storefront --time 2026-11-21T10:00:00Z", "shows what is done, and asks first");
        example("pgedgectl restore storefront --confirm storefront",
                "in a script: all that was backed up and archived");
        describe(
            "The backup is restored and recovered beside the data in use, while the servers go on. Only when the "
            "target is "
            "reached the servers are stopped, and started with the restored data; what fails before has changed "
            "nothing. "
            "Replicas and links are made anew. The data from before are kept on each host until the next restore; the "
            "task's log says where.\n\nWithout --time, --lsn, --xid, --name or --immediate all is restored that was "
            "archived. With --node the other nodes keep what was committed after the target, which the restored ones "
            "then "
            "lack: the nodes differ from then on.");
    }

    int run(Session& session) override {
        const auto options = target();
        const auto database = named_database(session, database_);
        const auto all = named_nodes(session, database_);
        for (const auto& node : nodes_) named_node(session, database_, node);
        const auto backups = source(session, all);
        if (session.talks()) preview(session, all, backups);
        session.confirm_loss_of(database_);
        const Json body{{"restore_config",
                         {{"source_database_id", database_},
                          {"source_node_name", from_},
                          {"source_database_name", database.database_name()},
                          {"restore_options", options}}},
                        {"target_nodes", nodes_}};
        auto task = session.api().restore(database_, body, force_);
        if (!session.options().no_wait) task = follow_task(session, task);
        session.show(task.json, {task.id}, [&](std::ostream& out) {
            if (task.is_final())
                out << "database " << clean(database_) << " has the data of the backup\n";
            else
                out << "task " << clean(task.id) << " has begun; follow it: pgedgectl task watch " << clean(task.id)
                    << '\n';
        });
        return kDone;
    }

private:
    /// Options of pgbackrest restore.
    Json target() const {
        Json options = Json::object();
        if (!backup_.empty()) options["set"] = backup_;
        int targets = 0;
        const auto set = [&](const char* type, const std::string& value) {
            if (value.empty()) return;
            options["type"] = type;
            options["target"] = value;
            ++targets;
        };
        if (!time_.empty()) {
            if (!parse_target_time(time_))
                throw UsageError(fmt::format("--time: '{}' is no time with a zone", time_), "2026-11-21T10:00:00Z");
            set("time", for_pgbackrest(time_));
        }
        set("lsn", lsn_);
        set("xid", xid_);
        set("name", name_);
        if (immediate_) {
            options["type"] = "immediate";
            ++targets;
        }
        if (targets > 1)
            throw UsageError("--time, --lsn, --xid, --name and --immediate exclude each other", "give one of them");
        return options;
    }
    /// As PostgreSQL and pgBackRest write times: a blank, and no Z.
    static std::string for_pgbackrest(std::string time) {
        if (const auto t = time.find('T'); t != std::string::npos) time[t] = ' ';
        if (time.ends_with('Z')) time.replace(time.size() - 1, 1, "+00");
        return time;
    }

    BackupsAnswer source(Session& session, const std::vector<NodeAnswer>& all) {
        if (!from_.empty()) return session.api().backups(database_, named_node(session, database_, from_).name);
        for (const auto& node : all) {
            try {
                auto found = session.api().backups(database_, node.name);
                if (found.backups.empty()) continue;
                from_ = node.name;
                return found;
            } catch (const Error& error) {
                session.detail("node " + node.name + ": " + error.text());
            }
        }
        throw Error(ErrorKind::not_found, "no node of " + database_ + " has a backup",
                    "pgedgectl backup list " + database_ + " tells why");
    }

    /// What pgBackRest will take; nullptr: it will say.
    const BackupAnswer* chosen(const BackupsAnswer& found) const {
        const auto target = time_.empty() ? std::nullopt : parse_target_time(time_);
        const BackupAnswer* best = nullptr;
        for (const auto& backup : found.backups) {
            if (backup.repository != 1) continue;
            if (!backup_.empty() ? backup.label == backup_ : !target || parse_rfc3339(backup.completed_at) < *target)
                best = &backup;
        }
        return best;
    }

    void preview(Session& session, const std::vector<NodeAnswer>& all, const BackupsAnswer& found) const {
        std::ostream& out = session.world().err();
        const Style& style = session.message_style();
        std::vector<std::string> names, others;
        for (const auto& node : all) {
            const bool is_target = nodes_.empty() || std::find(nodes_.begin(), nodes_.end(), node.name) != nodes_.end();
            (is_target ? names : others).push_back(node.name);
        }
        const auto* backup = chosen(found);
        const auto say = [&](const std::string& text) { out << "  " << clean(text) << '\n'; };
        out << style.bold(clean("restore of " + database_)) << '\n';
        say(fmt::format("nodes:     {}{}", joined(names, ", "), others.empty() ? " (all)" : ""));
        say(fmt::format("backup:    {}", backup ? fmt::format("{} of node {}, {}, complete at {}", backup->label, from_,
                                                              backup->type, backup->completed_at)
                                                : "none of node " + from_ + " fits"));
        say("up to:     " + reaches(backup));
        say("lost:      what was committed on these nodes after that");
        say("outage:    from when the servers are stopped with all restored until they are up again, mostly seconds");
        if (!others.empty())
            out << style.yellow("warning:") << ' '
                << clean(
                       fmt::format("{} keep what was committed after the target, and {} will lack it: the nodes differ "
                                   "from then on",
                                   joined(others, ", "), joined(names, ", ")))
                << '\n';
    }
    std::string reaches(const BackupAnswer* backup) const {
        if (!time_.empty()) return "the last commit before " + time_;
        if (!lsn_.empty()) return "position " + lsn_ + " of the log of " + from_;
        if (!xid_.empty()) return "transaction " + xid_;
        if (!name_.empty()) return "restore point " + name_;
        if (immediate_) return "the end of the backup" + (backup ? ", " + backup->completed_at : std::string());
        return "the end of what is archived: now, while the primary of " + from_ + " runs";
    }

    std::string database_, from_, backup_, time_, lsn_, xid_, name_;
    std::vector<std::string> nodes_;
    bool immediate_ = false, force_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_restore() { return std::make_unique<Restore>(); }

}  // namespace pgedge
