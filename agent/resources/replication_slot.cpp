#include "agent/resources/replication_slot.hpp"

#include "agent/postgres/dialect.hpp"
#include "agent/postgres/replication_slots.hpp"
#include "agent/resources/local_session.hpp"

namespace pgedge {
namespace {

std::string slot_of(Session& session, const Json& want, const Limit& limit) {
    return ReplicationDialect::of(want.at("dialect").get<std::string>())
        .slot_name(session, want.at("provider"), want.at("subscription"), limit);
}

}  // namespace

Observed ReplicationSlot::observe(const Resource& resource, StepContext& context) {
    auto session = connect_to_database(runtime_, resource.want, context.limit);
    const auto slot = slot_of(session, resource.want, context.limit);
    const bool there =
        !session.run("SELECT FROM pg_replication_slots WHERE slot_name = $1", {slot}, context.limit).empty();
    return there ? Observed::as_known : Observed::missing;
}

void ReplicationSlot::apply(const Resource& resource, StepContext& context) {
    auto session = connect_to_database(runtime_, resource.want, context.limit);
    const auto& dialect = ReplicationDialect::of(resource.want.at("dialect").get<std::string>());
    dialect.ensure_slot(session, slot_of(session, resource.want, context.limit), context.limit);
}

void ReplicationSlot::remove(const Resource& resource, StepContext& context) {
    if (!is_running(runtime_, resource.want.at("instance_id"))) return;
    auto session = connect_to_database(runtime_, resource.want, context.limit);
    drop_replication_slot(session, slot_of(session, resource.want, context.limit), context.limit);
}

}  // namespace pgedge
