#include "cli/commands/commands.hpp"
#include "cli/names.hpp"
#include "cli/show.hpp"
#include "cli/terminal/table.hpp"

namespace pgedge {
namespace {

class Status final : public CliCommand {
public:
    Status() : CliCommand("status", "Show the state of the cluster, a database or a host") {
        argument("name", name_, "Id of a database or a host (default: the whole cluster)")
            .completed_with(Completes::databases);
        example("pgedgectl status", "hosts and databases");
        example("pgedgectl status storefront", "nodes, instances, roles and replication of one database");
    }

    int run(Session& session) override { return name_.empty() ? whole(session) : one(session); }

private:
    int one(Session& session) const {
        if (const auto database = session.api().find_database(name_)) {
            session.show(database->json, {database->id},
                         [&](std::ostream& out) { show_database(out, session.style(), *database); });
            return kDone;
        }
        const auto hosts = session.api().hosts();
        for (const auto& host : hosts)
            if (host.id == name_) {
                session.show(host.json, {host.id}, [&](std::ostream& out) { show_host(out, session.style(), host); });
                return kDone;
            }
        std::vector<std::string> names;
        for (const auto& database : session.api().databases()) names.push_back(database.id);
        for (const auto& host : hosts) names.push_back(host.id);
        const std::string hint = hint_of_names(name_, names);
        throw Error(ErrorKind::not_found, "there is no database and no host '" + name_ + "'",
                    hint + (hint.empty() ? "" : "; ") + "see what there is: pgedgectl status");
    }

    static int whole(Session& session) {
        const ClusterAnswer cluster = session.api().cluster();
        const auto databases = session.api().databases();
        Json result{{"cluster", cluster.json}, {"databases", Json::array()}};
        std::vector<std::string> ids;
        for (const auto& database : databases) {
            result["databases"].push_back(database.json);
            ids.push_back(database.id);
        }
        session.show(result, ids, [&](std::ostream& out) {
            const Style& style = session.style();
            out << style.bold("Cluster:  ") << clean(cluster.id) << "  " << style.state(clean(cluster.state)) << "\n\n";
            show_hosts(out, style, cluster.hosts);
            if (databases.empty()) return;
            out << '\n';
            show_databases(out, style, databases);
        });
        return kDone;
    }

    std::string name_;
};

}  // namespace

std::unique_ptr<CliCommand> make_status() { return std::make_unique<Status>(); }

}  // namespace pgedge
