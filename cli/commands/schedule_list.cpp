#include <algorithm>

#include "cli/commands/commands.hpp"
#include "cli/names.hpp"
#include "cli/terminal/table.hpp"

namespace pgedge {
namespace {

struct ScheduleEntry {
    std::string database;
    ScheduleAnswer schedule;
};

class ScheduleList final : public CliCommand {
public:
    ScheduleList() : CliCommand("list", "Show when backups are made by themselves, the next one first") {
        also_called("ls");
        argument("database", database_, "Id of the database (default: all)").completed_with(Completes::databases);
        example("pgedgectl schedule list", "a calendar of all databases");
        example("pgedgectl schedule list storefront", "of one");
    }

    int run(Session& session) override {
        std::vector<ScheduleEntry> entries;
        if (database_.empty())
            for (const auto& database : session.api().databases()) add(session, database.id, entries);
        else
            add(session, named_database(session, database_).id, entries);
        // RFC 3339 in UTC: the order of the texts is that of the times. What never runs again is last.
        std::stable_sort(entries.begin(), entries.end(), [](const ScheduleEntry& a, const ScheduleEntry& b) {
            if (a.schedule.next_at.empty() != b.schedule.next_at.empty()) return b.schedule.next_at.empty();
            return a.schedule.next_at < b.schedule.next_at;
        });
        Json result = Json::array();
        std::vector<std::string> names;
        Table table({"NEXT", "DATABASE", "NODE", "SCHEDULE", "TYPE", "WHEN (UTC)", "LAST", "ENDED", "TASK"});
        for (const auto& [database, schedule] : entries) {
            Json shown = schedule.json;
            shown["database_id"] = database;
            result.push_back(std::move(shown));
            names.push_back(database + "/" + schedule.node + "/" + schedule.id);
            table.add({schedule.next_at, database, schedule.node, schedule.id, schedule.type, schedule.expression,
                       schedule.last_at, schedule.last_status, schedule.last_task_id});
        }
        session.show({{"schedules", std::move(result)}}, names, [&](std::ostream& out) {
            if (names.empty())
                session.note("there is no schedule; backup_config.schedules of a spec makes one");
            else
                table.print(out, session.style());
        });
        return kDone;
    }

private:
    static void add(Session& session, const std::string& database, std::vector<ScheduleEntry>& entries) {
        for (auto& schedule : session.api().schedules(database)) entries.push_back({database, std::move(schedule)});
    }

    std::string database_;
};

}  // namespace

std::unique_ptr<CliCommand> make_schedule_list() { return std::make_unique<ScheduleList>(); }

}  // namespace pgedge
