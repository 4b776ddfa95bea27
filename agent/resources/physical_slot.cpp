#include "agent/resources/physical_slot.hpp"

#include "agent/postgres/replication_slots.hpp"

namespace pgedge {
namespace {

bool is_there(Connection& session, const std::string& slot, const Limit& limit) {
    return !session.run("SELECT FROM pg_replication_slots WHERE slot_name = $1", {slot}, limit).empty();
}

}  // namespace

Connection PhysicalSlot::session(const Resource& resource, const StepContext& context) const {
    return connect_locally(runtime_, resource.want.at("primary"), "postgres", context.limit);
}

Observed PhysicalSlot::observe(const Resource& resource, StepContext& context) {
    if (!is_ready(runtime_, resource.want.at("primary"))) return Observed::unseen;
    auto primary = session(resource, context);
    return is_there(primary, resource.want.at("slot"), context.limit) ? Observed::as_known : Observed::missing;
}

void PhysicalSlot::apply(const Resource& resource, StepContext& context) {
    const std::string slot = resource.want.at("slot");
    auto primary = session(resource, context);
    if (!is_there(primary, slot, context.limit))
        primary.run("SELECT pg_create_physical_replication_slot($1, true)", {slot}, context.limit);
}

void PhysicalSlot::remove(const Resource& resource, StepContext& context) {
    const std::string slot = resource.want.at("slot");
    if (!is_running(runtime_, resource.want.at("primary"))) return;  // what is down is going away, or was lost
    auto primary = session(resource, context);
    drop_replication_slot(primary, slot, context.limit);
}

}  // namespace pgedge
