#include "agent/resources/database_instance.hpp"

#include <fmt/format.h>

#include "agent/postgres/dialect.hpp"
#include "agent/postgres/roles.hpp"
#include "agent/resources/local_session.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kPoll = 20ms;
constexpr auto kStreaming = 120s;  ///< for a replica to find its primary: a fresh one has a base backup's WAL to replay

bool is_primary(const Json& want, const StepContext& context) {
    return context.primary.instance_id == want.at("instance_id").get<std::string>();
}

WantedRole role_of(const Json& user, const StepContext& context) {
    WantedRole role;
    role.name = user.at("username");
    role.attributes = user.at("attributes").get<std::vector<std::string>>();
    role.roles = user.at("roles").get<std::vector<std::string>>();
    if (const auto& password = user.at("password"); !password.is_null())
        role.password = context.secret({password.at("secret"), password.at("fingerprint")});
    return role;
}

/// Of whichever replication extensions the server has loaded.
void check_loaded_dialects(Session& session, const Limit& limit) {
    for (const char* name : {"spock", "pglogical"})
        if (session.run("SELECT current_setting($1, true)", {std::string(name) + ".conflict_resolution"}, limit)
                .value())
            ReplicationDialect::of(name).check_settings(session, limit);
}

/// When the replica has heard of it: what its primary had written by now is replayed. Who cannot log in and is in can
/// only be a user that was shut out.
void end_sessions_of_lost_users(Session& session, const Limit& limit) {
    constexpr auto kReplayed = "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn";
    const auto end = session.run("SELECT latest_end_lsn FROM pg_stat_wal_receiver", limit).value();
    while (end && !session.run(kReplayed, {*end}, limit).yes()) {
        within("waiting for a replica to replay", [&] { limit.check("waiting"); });
        limit.pause(kPoll);
    }
    end_sessions_without_login(session, limit);
}

}  // namespace

Observed DatabaseInstance::observe(const Resource& resource, StepContext& context) {
    const Json& want = resource.want;
    // A server that is down is the matter of instance.server; what lies in it is as it was.
    if (!is_ready(runtime_, want.at("instance_id"))) return Observed::unseen;
    auto session = connect_locally(runtime_, want.at("instance_id"), "postgres", context.limit);
    const bool recovery = session.run("SELECT pg_is_in_recovery()", context.limit).yes();
    if (recovery == is_primary(want, context)) return Observed::differs;
    if (recovery) return Observed::as_known;
    for (const auto& user : want.at("users"))
        if (session
                .run("SELECT FROM pg_roles WHERE rolname = $1", {user.at("username").get<std::string>()}, context.limit)
                .empty())
            return Observed::differs;
    return session.run("SELECT FROM pg_roles WHERE rolname = $1", {std::string(kBuiltInRole)}, context.limit).empty()
               ? Observed::missing
               : Observed::as_known;
}

void DatabaseInstance::apply(const Resource& resource, StepContext& context) {
    is_primary(resource.want, context) ? apply_primary(resource.want, context) : apply_replica(resource.want, context);
}

void DatabaseInstance::apply_primary(const Json& want, StepContext& context) {
    const Limit& limit = context.limit;
    // Made before anything is touched: a missing secret or a bad attribute leaves the server as it was.
    std::vector<WantedRole> roles;
    for (const auto& user : want.at("users")) check_role(roles.emplace_back(role_of(user, context)));

    auto session = connect_locally(runtime_, want.at("instance_id"), "postgres", limit);
    check_loaded_dialects(session, limit);
    run_script(runtime_, session, want, "post_init", "postgres", context);
    // Not replicated: this database is no node, and roles do not travel by decoding.
    SessionTransaction transaction(session, limit);
    ensure_system_roles(session, limit);
    for (const auto& role : roles) ensure_role(session, role, limit);
    ensure_memberships(session, roles, limit);
    const auto gone = shut_out_users(session, roles, limit);
    transaction.commit();
    if (gone.empty()) return;
    end_sessions_without_login(session, limit);
    for (const auto& name : gone) {
        context.tell(fmt::format("user {} is not in database_users any more and cannot log in; its role stays", name));
        forget_user(session, name, limit);
    }
}

void DatabaseInstance::apply_replica(const Json& want, StepContext& context) {
    const std::string instance_id = want.at("instance_id");
    const Limit limit = context.limit.no_longer_than(kStreaming);
    auto session = connect_locally(runtime_, instance_id, "postgres", limit);
    if (!session.run("SELECT pg_is_in_recovery()", limit).yes())
        throw Error(ErrorKind::conflict, instance_id + " shall be a replica and is a primary");
    while (!session.run("SELECT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')", limit).yes()) {
        within(fmt::format("waiting for {} to stream from its primary", instance_id), [&] { limit.check("waiting"); });
        limit.pause(kPoll);
    }
    end_sessions_of_lost_users(session, limit);
}

void DatabaseInstance::remove(const Resource&, StepContext&) {}  // goes with its server

}  // namespace pgedge
