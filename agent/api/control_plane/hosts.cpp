#include "agent/api/control_plane/api_route.hpp"
#include "common/api/shapes.hpp"

namespace pgedge {
namespace {

HttpResponse list_hosts(const ApiCall& call) {
    const ShownCluster cluster{call.plane.membership.cluster_id(), call.hosts().list(call.limit)};
    return json_response(list_json("hosts", host_shape(), cluster.shown_hosts()));
}

HttpResponse show_host(const ApiCall& call) {
    const auto host = call.hosts().find(call.variable("host_id"), call.limit);
    if (!host) throw Error(ErrorKind::not_found, "no host \"" + call.variable("host_id") + "\" found");
    return json_response(host_shape().write({*host, call.plane.membership.cluster_id()}));
}

}  // namespace

std::vector<ApiRoute> host_routes() {
    return {
        {.method = "GET",
         .path = "/v1/hosts",
         .id = "list-hosts",
         .summary = "All hosts with their health",
         .role = Role::read,
         .answer = "ListHostsResponse",
         .throws = {"cluster_not_initialized"},
         .run = list_hosts},
        {.method = "GET",
         .path = "/v1/hosts/{host_id}",
         .id = "get-host",
         .summary = "One host with its health",
         .role = Role::read,
         .parameters = {{"host_id", ApiParameterType::identifier, "The host's id"}},
         .answer = "Host",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized"},
         .run = show_host},
    };
}

}  // namespace pgedge
