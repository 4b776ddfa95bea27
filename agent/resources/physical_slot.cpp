#include "agent/resources/physical_slot.hpp"

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
    // Dropping waits for nobody: whoever still reads from it is sent away first, and may try again meanwhile.
    while (is_there(primary, slot, context.limit)) {
        context.limit.check("dropping the slot " + slot);
        primary.run(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
            " WHERE slot_name = $1 AND active_pid IS NOT NULL",
            {slot}, context.limit);
        try {
            primary.run("SELECT pg_drop_replication_slot($1)", {slot}, context.limit);
        } catch (const SqlError& error) {
            constexpr std::string_view kObjectInUse = "55006";
            if (error.sqlstate() != kObjectInUse) throw;
            context.limit.pause(std::chrono::milliseconds(20));
        }
    }
}

}  // namespace pgedge
