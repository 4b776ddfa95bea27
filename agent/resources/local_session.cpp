#include "agent/resources/local_session.hpp"

#include <fmt/format.h>

#include "agent/postgres/conf_files.hpp"
#include "agent/postgres/scripts.hpp"
#include "agent/resources/server_configuration.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::milliseconds kEnd{30'000};        ///< for the server to end a session
constexpr std::chrono::milliseconds kAccessWait{5'000};  ///< for the server to read its files again
constexpr std::chrono::milliseconds kAccessPoll{20};

/// What a killed agent had sent goes on in its server until it is done. Nobody sees it before, so that the next agent
/// would make the same once more beside it.
void end_sessions_of_killed_agents(Connection& session, const std::string& instance_id, const Limit& limit) {
    // The function under pg_stat_activity, without the joins of that view: a new session plans this in 1 ms.
    constexpr std::string_view kTheirs =
        "FROM pg_stat_get_activity(NULL) AS activity WHERE usesysid = session_user::regrole"
        " AND starts_with(application_name, $1) AND application_name <> current_setting('application_name')";
    const std::string name(Runtime::kSessions), wait = std::to_string(kEnd.count());
    if (session.run(fmt::format("SELECT pg_terminate_backend(pid, $2) {}", kTheirs), {name, wait}, limit).empty())
        return;
    // Asked again, because "false" says also of a session that it was gone already.
    if (!session.run(fmt::format("SELECT pid {}", kTheirs), {name}, limit).empty())
        throw Error(ErrorKind::timed_out,
                    "a session that an agent before this one had in " + instance_id + " does not end",
                    "look for the sessions of \"pgedge-agent\" in its pg_stat_activity");
}

/// When the server lets nobody in as us although our lines come first in its files, it has not taken its pg_ident.conf,
/// because of a line of a user: a server that restarts takes all of it or nothing. Then no line of it counts, and those
/// of users can be set aside. False: that is not it.
bool regain_access(Runtime& runtime, const ServerSpec& server) {
    const auto file = ident_file(server.paths);
    const auto text = read_foreign_file(file);
    const auto ours = text ? without_user_maps(*text) : std::nullopt;
    if (!ours) return false;
    InstanceUser::find(runtime.instance_user()).write_file(file, *ours, 0600);
    runtime.reload(server.instance_id());
    return true;
}

Connection connect(Runtime& runtime, const ServerSpec& server, const ConnectOptions& options, const Limit& limit) {
    try {
        return Connection(options, limit);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::denied || !regain_access(runtime, server)) throw;
    }
    const Limit soon = limit.no_longer_than(kAccessWait);
    for (;;) try {
            return Connection(options, limit);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::denied || !soon.pause(kAccessPoll)) throw;
        }
}

}  // namespace

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
    options.more["application_name"] = runtime.session_name();
    // The owner of a database may give it settings of his own, and objects of his own the names of PostgreSQL's: a
    // superuser's session takes neither.
    options.more["options"] =
        "-c search_path=pg_catalog,pg_temp -c statement_timeout=0 -c lock_timeout=0 "
        "-c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off -c "
        "standard_conforming_strings=on";
    Connection session = connect(runtime, server, options, limit);
    end_sessions_of_killed_agents(session, instance_id, limit);
    return session;
}

Connection connect_to_primary(Runtime& runtime, const std::string& database, const StepContext& context) {
    const auto& primary = context.primary;
    auto session = connect_locally(runtime, primary.instance_id, database, context.limit);
    if (session.run("SELECT pg_is_in_recovery()", context.limit).yes())
        throw Error(ErrorKind::unreachable,
                    fmt::format("{} is a standby, not the primary of node {}", primary.instance_id, primary.node));
    return session;
}

bool has_database(Runtime& runtime, const Json& want, const StepContext& context) {
    auto server = connect_to_primary(runtime, "postgres", context);
    return has_database(server, want, context.limit);
}

bool has_database(Session& server, const Json& want, const Limit& limit) {
    const std::string name = want.at("database_name");
    return !server.run("SELECT FROM pg_database WHERE datname = $1", {name}, limit).empty();
}

Connection connect_to_database(Runtime& runtime, const Json& want, const StepContext& context) {
    return connect_to_primary(runtime, want.at("database_name"), context);
}

std::optional<std::string> waiting_for_restart(Session& server, const Limit& limit) {
    // pg_file_settings reads the files now; an entry that could not be applied is one that needs a restart.
    constexpr auto kNotApplied =
        "SELECT EXISTS (SELECT FROM pg_file_settings WHERE NOT applied AND error = 'setting could not be applied')";
    if (!server.run(kNotApplied, limit).yes()) return std::nullopt;
    constexpr auto kPending = "SELECT string_agg(name, ', ' ORDER BY name) FROM pg_settings WHERE pending_restart";
    return server.run(kPending, limit).value().value_or("");
}

void run_script(Runtime& runtime, Session& ours, const Json& want, const std::string& name, const std::string& database,
                const StepContext& context) {
    ensure_internal_schema(ours, context.limit);
    if (is_script_done(ours, name, context.limit)) return;
    auto session = connect_to_primary(runtime, database, context);
    run_script_once(session, name, want.at(name).get<std::vector<std::string>>(), context.limit);
}

}  // namespace pgedge
