#include "agent/api/control_plane/api_route.hpp"

namespace pgedge {
namespace {

/// An operation of the contract that this version does not have. It says so; it never pretends.
ApiRoute later(std::string method, std::string path, std::string id, std::string summary, std::string what) {
    ApiRoute route{.method = std::move(method),
                   .path = std::move(path),
                   .id = std::move(id),
                   .summary = std::move(summary) + "; not in this version",
                   .role = Role::operate};
    route.throws = {"operation_not_supported", "invalid_input",           "not_found",
                    "cluster_not_initialized", "database_not_modifiable", "operation_already_in_progress"};
    route.run = [what = std::move(what)](const ApiCall&) -> HttpResponse {
        throw Error(ErrorKind::invalid_input, what).named("operation_not_supported");
    };
    return route;
}

std::vector<ApiRoute> later_database_routes() {
    auto upgrade = later("POST", "/v1/databases/{database_id}/upgrade", "apply-upgrade", "Go to a newer minor version",
                         "upgrades by request are not supported by this version; servers run the newest minor version "
                         "that their host has installed when they start");
    upgrade.parameters = {kDatabaseParameter};
    upgrade.body = "ApplyUpgradeRequest";
    upgrade.answer = "ApplyUpgradeResponse";
    return {upgrade};
}

}  // namespace

std::vector<ApiRoute> later_routes() {
    std::vector<ApiRoute> all = later_database_routes();
    auto remove_host = later("DELETE", "/v1/hosts/{host_id}", "remove-host", "Take a host out of the cluster",
                             "removing a host from the cluster is not supported by this version");
    remove_host.parameters = {{"host_id", ApiParameterType::identifier, "The host's id"},
                              {"force", ApiParameterType::boolean, "Also while it has instances"}};
    remove_host.role = Role::admin;
    remove_host.answer = "RemoveHostResponse";
    all.push_back(std::move(remove_host));
    return all;
}

}  // namespace pgedge
