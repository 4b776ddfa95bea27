#include <chrono>

#include "cli/commands/commands.hpp"
#include "cli/log_merge.hpp"
#include "cli/names.hpp"
#include "cli/session.hpp"
#include "common/base/limit.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kLookAgain{1};
/// How much of a log one look takes when following: more lines than a server writes between two looks.
constexpr int kFollowedLines = 2000;
constexpr std::chrono::hours kForever{24 * 365};

class Logs final : public CliCommand {
public:
    Logs() : CliCommand("logs", "Print what PostgreSQL logged") {
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        option("-n,--node", "NODE", node_, "Only the instances of this node").completed_with(Completes::nodes);
        option("--instance", "INSTANCE", instance_, "Only this instance");
        option("--lines", "COUNT", lines_, 1, 10000, "The last so many lines of each instance (default 100)");
        flag("-f,--follow", follow_, "Go on with what is logged from now on");
        example("pgedgectl logs storefront", "of all instances, in order of time");
        example("pgedgectl logs storefront -n n2 --lines 500", "of one node");
        example("pgedgectl logs storefront -f", "until Ctrl-C");
        describe("For the log of what agents did to a database, see pgedgectl task logs.");
    }

    int run(Session& session) override {
        if (follow_ && session.wants_document())
            throw UsageError("--follow has no end, so it has no document: leave out -o and --get");
        const DatabaseAnswer database = named_database(session, database_);
        auto logs = chosen(database);
        read(session, database.id, logs, follow_ ? std::max(lines_, kFollowedLines) : lines_);
        if (follow_) return follow(session, database.id, logs);
        Json result = Json::array();
        for (const auto& log : logs) result.push_back({{"instance_id", log.instance_id}, {"lines", log.lines}});
        session.show(result, {},
                     [&](std::ostream& out) { print(out, session.style(), merged_by_time(logs), logs.size()); });
        return kDone;
    }

private:
    std::vector<ServerLog> chosen(const DatabaseAnswer& database) const {
        std::vector<ServerLog> logs;
        for (const auto& instance : database.instances)
            if ((node_.empty() || instance.node_name == node_) && (instance_.empty() || instance.id == instance_))
                logs.push_back({instance.id, {}});
        if (logs.empty())
            throw Error(ErrorKind::not_found, "database " + database.id + " has no such instance",
                        "see what it has: pgedgectl status " + database.id);
        return logs;
    }

    /// A host that does not answer costs its own lines only: they stay as they are.
    static void read(Session& session, const std::string& id, std::vector<ServerLog>& logs, int lines,
                     bool again = false) {
        std::size_t failed = 0;
        for (auto& log : logs) {
            try {
                log.lines = session.api().instance_log(id, log.instance_id, lines);
            } catch (const Error& error) {
                if (++failed == logs.size() && !(again && error.transient())) throw;
                if (!again) session.warn(log.instance_id + ": " + error.text());
            }
        }
    }

    int follow(Session& session, const std::string& id, std::vector<ServerLog> logs) const {
        auto first = logs;
        for (auto& log : first)
            if (log.lines.size() > static_cast<std::size_t>(lines_))
                log.lines.erase(log.lines.begin(), log.lines.end() - lines_);
        print(session.world().out(), session.style(), merged_by_time(first), logs.size());

        const auto interrupts = session.world().watch_interrupts();
        const Limit limit(session.options().timeout.value_or(kForever), interrupts->token());
        while (limit.pause(kLookAgain)) {  // agents give the end of a log, not a stream of it
            auto now = logs;
            read(session, id, now, kFollowedLines, true);
            std::vector<ServerLog> fresh;
            for (std::size_t i = 0; i < logs.size(); ++i)
                fresh.push_back({now[i].instance_id, new_lines(logs[i].lines, now[i].lines)});
            print(session.world().out(), session.style(), merged_by_time(fresh), logs.size());
            logs = std::move(now);
        }
        return interrupts->signal() != 0 ? 128 + interrupts->signal() : kDone;
    }

    static void print(std::ostream& out, const Style& style, const std::vector<LogLine>& lines, std::size_t servers) {
        for (const auto& line : lines)
            out << (servers > 1 ? style.dim(clean(line.instance_id) + " ") : "") << clean(line.text) << '\n';
        flush_result(out);
    }

    std::string database_, node_, instance_;
    int lines_ = 100;
    bool follow_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_logs() { return std::make_unique<Logs>(); }

}  // namespace pgedge
