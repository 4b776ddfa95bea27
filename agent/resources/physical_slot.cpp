#include "agent/resources/physical_slot.hpp"

#include "agent/postgres/replication_slots.hpp"

namespace pgedge {
namespace {

bool is_there(Connection& session, const std::string& slot, const Limit& limit) {
    return !session.run("SELECT FROM pg_replication_slots WHERE slot_name = $1", {slot}, limit).empty();
}

}  // namespace

bool PhysicalSlot::is_its_own(const Resource& resource, const StepContext& context) const {
    return resource.id.name == context.primary.instance_id;
}

Observed PhysicalSlot::observe(const Resource& resource, StepContext& context) {
    if (!is_ready(runtime_, context.primary.instance_id)) return Observed::unseen;
    auto primary = connect_to_primary(runtime_, "postgres", context);
    const bool there = is_there(primary, resource.want.at("slot"), context.limit);
    if (is_its_own(resource, context)) return there ? Observed::differs : Observed::as_known;
    return there ? Observed::as_known : Observed::missing;
}

void PhysicalSlot::apply(const Resource& resource, StepContext& context) {
    if (is_its_own(resource, context)) return remove(resource, context);
    const std::string slot = resource.want.at("slot");
    auto primary = connect_to_primary(runtime_, "postgres", context);
    if (!is_there(primary, slot, context.limit))
        primary.run("SELECT pg_create_physical_replication_slot($1, true)", {slot}, context.limit);
}

void PhysicalSlot::remove(const Resource& resource, StepContext& context) {
    const std::string slot = resource.want.at("slot");
    if (!is_running(runtime_, context.primary.instance_id)) return;  // what is down is going away, or was lost
    auto primary = connect_to_primary(runtime_, "postgres", context);
    drop_replication_slot(primary, slot, context.limit);
}

}  // namespace pgedge
