#include "agent/resources/postgres_server.hpp"

#include <fmt/format.h>

#include "agent/resources/local_session.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// Nullopt: the server runs with what its files say. Else the parameters that wait for a restart, as far as the server
/// has noticed: it marks them when it has taken a reload, which is not at once.
std::optional<std::string> waiting_for_restart(Runtime& runtime, const std::string& instance_id, const Limit& limit) {
    auto session = connect_locally(runtime, instance_id, "postgres", limit);
    // pg_file_settings reads the files now; an entry that could not be applied is one that needs a restart.
    constexpr auto kNotApplied =
        "SELECT EXISTS (SELECT FROM pg_file_settings WHERE NOT applied AND error = 'setting could not be applied')";
    if (!session.run(kNotApplied, limit).yes()) return std::nullopt;
    constexpr auto kPending = "SELECT string_agg(name, ', ' ORDER BY name) FROM pg_settings WHERE pending_restart";
    return session.run(kPending, limit).value().value_or("");
}

}  // namespace

Observed PostgresServer::observe(const Resource& resource, StepContext&) {
    switch (runtime_.state(resource.want.at("instance_id"))) {
        case ServerState::absent: return Observed::missing;
        case ServerState::running: return Observed::as_known;
        default: return Observed::differs;
    }
}

void PostgresServer::apply(const Resource& resource, StepContext& context) {
    const Json& want = resource.want;
    const std::string instance_id = want.at("instance_id");
    runtime_.start({InstancePaths(data_dir_, instance_id), want.at("bin_dir"), want.at("address"), want.at("port")},
                   context.limit);
    const auto names = waiting_for_restart(runtime_, instance_id, context.limit);
    if (!names) return;
    context.tell(fmt::format("restarting {}{}", instance_id, names->empty() ? "" : " for " + *names));
    runtime_.restart(instance_id, context.limit);
}

void PostgresServer::remove(const Resource& resource, StepContext& context) {
    const std::string instance_id = resource.want.at("instance_id");
    runtime_.stop(instance_id, StopMode::fast, context.limit);
    runtime_.forget(instance_id);
}

}  // namespace pgedge
