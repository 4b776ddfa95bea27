#include "agent/resources/local_session.hpp"

#include "agent/postgres/conf_files.hpp"
#include "common/base/error.hpp"

namespace pgedge {

ServerSpec server_of(Runtime& runtime, const std::string& instance_id) {
    for (auto& server : runtime.known())
        if (server.instance_id() == instance_id) return server;
    throw Error(ErrorKind::not_found, "this host keeps no instance " + instance_id);
}

bool is_running(Runtime& runtime, const std::string& instance_id) {
    const auto state = runtime.state(instance_id);
    return state == ServerState::running || state == ServerState::starting;
}

bool is_ready(Runtime& runtime, const std::string& instance_id) {
    return runtime.state(instance_id) == ServerState::running;
}

Connection connect_locally(Runtime& runtime, const std::string& instance_id, const std::string& database,
                           const Limit& limit) {
    const ServerSpec server = server_of(runtime, instance_id);
    ConnectOptions options;
    options.host = server.paths.sockets();
    options.port = server.port;
    options.user = kSuperuser;
    options.database = database;
    // The owner of a database may give it settings of his own, and objects of his own the names of PostgreSQL's: a
    // superuser's session takes neither.
    options.more["options"] =
        "-c search_path=pg_catalog,pg_temp -c statement_timeout=0 -c lock_timeout=0 "
        "-c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off -c "
        "standard_conforming_strings=on";
    return Connection(options, limit);
}

bool has_database(Runtime& runtime, const Json& want, const Limit& limit) {
    auto server = connect_locally(runtime, want.at("instance_id"), "postgres", limit);
    return !server
                .run("SELECT FROM pg_database WHERE datname = $1", {want.at("database_name").get<std::string>()}, limit)
                .empty();
}

Connection connect_to_database(Runtime& runtime, const Json& want, const Limit& limit) {
    return connect_locally(runtime, want.at("instance_id"), want.at("database_name"), limit);
}

}  // namespace pgedge
