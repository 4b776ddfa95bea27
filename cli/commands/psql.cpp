#include "cli/commands/commands.hpp"
#include "cli/connection.hpp"
#include "cli/names.hpp"
#include "cli/session.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

class Psql final : public CliCommand {
public:
    Psql() : CliCommand("psql", "Open psql on a database") {
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        argument("args", arguments_, "Words for psql, behind --");
        option("-n,--node", "NODE", choice_.node, "On this node (default: the first whose primary is available)")
            .completed_with(Completes::nodes);
        option("-U,--user", "USER", choice_.user, "As this user (default: the owner in the spec)");
        flag("--replica", choice_.replica, "On a replica");
        example("pgedgectl psql storefront", "on a primary");
        example("pgedgectl psql storefront -n n2 -- -c 'SELECT 1'", "one statement on another node");
        example("PGPASSWORD=$(cat password) pgedgectl psql storefront -- -U shop", "with a password, as another user");
        describe(
            "psql of this machine is run. Passwords come from where psql takes them: PGPASSWORD, ~/.pgpass, or it "
            "asks.");
    }

    int run(Session& session) override {
        const DatabaseAnswer database = named_database(session, database_);
        if (database.state != "available") session.note("database " + database.id + " is " + database.state);
        const Connection connection = connection_to(database, choice_);
        std::vector<std::string> hosts, ports;
        for (const auto& server : connection.servers) {
            hosts.push_back(server.host);
            ports.push_back(std::to_string(server.port));
        }
        // Single options and not a connection string, so that options behind -- win over ours.
        std::vector<std::string> argv{
            "psql", "-h", joined(hosts, ","), "-p", joined(ports, ","), "-d", database_word(connection)};
        if (!connection.user.empty()) argv.insert(argv.end(), {"-U", connection.user});
        argv.insert(argv.end(), arguments_.begin(), arguments_.end());
        std::map<std::string, std::string> environment{{"PGTARGETSESSIONATTRS", connection.session_attributes}};
        if (!session.world().environment("PGAPPNAME")) environment["PGAPPNAME"] = "pgedgectl";
        try {
            return session.world().become(argv, environment);
        } catch (const Error& error) {
            throw Error(error.kind(), error.text(),
                        "install it: apt install postgresql-client; or use pgedgectl uri " + database_ +
                            " with another client");
        }
    }

private:
    /// psql takes a name with "=" in it, or one that begins like a URI, for a whole connection string.
    static std::string database_word(const Connection& connection) {
        const std::string& name = connection.database;
        if (name.find('=') == std::string::npos && name.find("://") == std::string::npos) return name;
        std::string escaped;
        for (const char c : name) {
            if (c == '\'' || c == '\\') escaped += '\\';
            escaped += c;
        }
        return "dbname='" + escaped + "'";
    }

    std::string database_;
    std::vector<std::string> arguments_;
    ConnectionChoice choice_;
};

}  // namespace

std::unique_ptr<CliCommand> make_psql() { return std::make_unique<Psql>(); }

}  // namespace pgedge
