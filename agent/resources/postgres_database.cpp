#include "agent/resources/postgres_database.hpp"

#include "agent/postgres/dialect.hpp"
#include "agent/postgres/roles.hpp"
#include "agent/postgres/scripts.hpp"
#include "agent/resources/local_session.hpp"

namespace pgedge {
namespace {

const ReplicationDialect& dialect_of(const Json& want) {
    return ReplicationDialect::of(want.at("dialect").get<std::string>());
}

}  // namespace

Observed PostgresDatabase::observe(const Resource& resource, StepContext& context) {
    const Json& want = resource.want;
    if (!is_ready(runtime_, context.primary.instance_id)) return Observed::unseen;  // the matter of instance.server
    if (!has_database(runtime_, want, context)) return Observed::missing;
    auto session = connect_to_database(runtime_, want, context);
    const auto node = dialect_of(want).own_node(session, context.limit);
    return node == want.at("node").get<std::string>() ? Observed::as_known : Observed::differs;
}

void PostgresDatabase::create_if_missing(const Json& want, const StepContext& context) {
    auto server = connect_to_primary(runtime_, "postgres", context);
    if (has_database(server, want, context.limit)) return;
    server.run("CREATE DATABASE " + server.identifier(want.at("database_name").get<std::string>()), context.limit);
}

void PostgresDatabase::apply(const Resource& resource, StepContext& context) {
    const Json& want = resource.want;
    const Limit& limit = context.limit;
    const auto& dialect = dialect_of(want);
    const std::string database = want.at("database_name");
    std::optional<std::string> owner;
    if (!want.at("owner").is_null()) owner = want.at("owner").get<std::string>();

    create_if_missing(want, context);
    auto session = connect_to_database(runtime_, want, context);
    dialect.check_settings(session, limit);
    dialect.ensure_node(session, want.at("node"), want.at("dsn"), limit);
    // Every node runs the script before it has subscribers, so its rows are not sent and its sequences give the same
    // numbers everywhere. What it made is taken into replication afterwards.
    run_script(runtime_, session, want, "post_database_create", database, context);
    dialect.locally(session, limit, [&] {
        if (owner) hand_over_once(session, *owner, limit);
        ensure_database_rights(session, database, owner, want.at("users").get<std::vector<std::string>>(),
                               dialect.name(), limit);
    });
    dialect.ensure_schema_support(session, want.at("ordinal"), limit);
}

void PostgresDatabase::remove(const Resource&, StepContext&) {}  // goes with its server

}  // namespace pgedge
