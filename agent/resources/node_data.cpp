#include "agent/resources/node_data.hpp"

#include "agent/resources/local_session.hpp"
#include "agent/resources/node_copy.hpp"

namespace pgedge {

Observed NodeData::observe(const Resource& resource, StepContext& context) {
    if (!is_ready(runtime_, context.primary.instance_id)) return Observed::unseen;
    if (!has_database(runtime_, resource.want, context)) return Observed::missing;
    auto session = connect_to_database(runtime_, resource.want, context);
    return has_data_of_others(session, context.limit) ? Observed::as_known : Observed::missing;
}

void NodeData::apply(const Resource& resource, StepContext& context) {
    auto session = connect_to_database(runtime_, resource.want, context);
    if (has_data_of_others(session, context.limit)) return;
    NodeCopy copy(runtime_, resource.want, context);
    copy.make();
    copy.catch_up();
}

void NodeData::remove(const Resource&, StepContext&) {}  // goes with its server

}  // namespace pgedge
