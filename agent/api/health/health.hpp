#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/ha/instance_health.hpp"
#include "agent/serve/api.hpp"

namespace pgedge {

/// Health checks for load balancers and supervisors: GET and HEAD /instances/{instance_id} and below, with the paths of
/// Patroni's. For anyone who reaches the listener: they tell no more than a connection to the server would. `health`
/// says nullopt for what is no server of this host; it must not block, and outlives the API.
Api health_api(std::function<std::optional<InstanceHealth>(const std::string& instance_id)> health);

}  // namespace pgedge
