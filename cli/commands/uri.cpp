#include "cli/commands/commands.hpp"
#include "cli/connection.hpp"
#include "cli/names.hpp"
#include "cli/session.hpp"

namespace pgedge {
namespace {

/// `pgedgectl uri` and `pgedgectl db uri`.
class Uri final : public CliCommand {
public:
    Uri() : CliCommand("uri", "Print how to connect to a database") {
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        option("-n,--node", "NODE", choice_.node, "Only the instances of this node").completed_with(Completes::nodes);
        option("-U,--user", "USER", choice_.user, "As this user (default: the owner in the spec)");
        flag("--replica", choice_.replica, "Replicas only");
        option("--format", "FORMAT", format_, "The form").one_of({"uri", "dsn", "env", "jdbc", "pgpass", "service"});
        example("pgedgectl uri storefront", "for libpq: every instance, primaries first");
        example("pgedgectl uri storefront -n n2 --format jdbc", "one node, for Java");
        example("eval \"$(pgedgectl uri storefront --format env | sed 's/^/export /')\"",
                "for psql and others in this shell");
        describe(
            "The result has no password, because agents do not give any: put it into PGPASSWORD or ~/.pgpass, for "
            "which "
            "--format pgpass prints the lines.");
    }

    int run(Session& session) override {
        const DatabaseAnswer database = named_database(session, database_);
        const Connection connection = connection_to(database, choice_);
        const std::string text = clean(text_of(connection, database.id), true);
        Json servers = Json::array();
        for (const auto& server : connection.servers) servers.push_back({{"host", server.host}, {"port", server.port}});
        session.show({{"database", connection.database},
                      {"user", connection.user},
                      {"servers", servers},
                      {"target_session_attrs", connection.session_attributes},
                      {format_, text}},
                     {text}, [&](std::ostream& out) { out << text << (text.ends_with('\n') ? "" : "\n"); });
        return kDone;
    }

private:
    std::string text_of(const Connection& connection, const std::string& id) const {
        if (format_ == "dsn") return to_dsn(connection);
        if (format_ == "env") return to_env(connection);
        if (format_ == "jdbc") return to_jdbc(connection);
        if (format_ == "pgpass") return to_pgpass(connection);
        if (format_ == "service") return to_service(connection, id);
        return to_uri(connection);
    }

    std::string database_, format_ = "uri";
    ConnectionChoice choice_;
};

}  // namespace

std::unique_ptr<CliCommand> make_uri() { return std::make_unique<Uri>(); }

}  // namespace pgedge
