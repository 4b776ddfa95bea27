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

Connection connect_locally(Runtime& runtime, const std::string& instance_id, const std::string& database,
                           const Limit& limit) {
    const ServerSpec server = server_of(runtime, instance_id);
    ConnectOptions options;
    options.host = server.paths.sockets();
    options.port = server.port;
    options.user = kSuperuser;
    options.database = database;
    return Connection(options, limit);
}

Connection connect_to_database(Runtime& runtime, const Json& want, const Limit& limit) {
    return connect_locally(runtime, want.at("instance_id"), want.at("database_name"), limit);
}

}  // namespace pgedge
