#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/json.hpp"

namespace pgedge {

/// A port that an instance is going to listen on, to be tried on its host before anything is made.
struct PortCheck {
    std::string node_name, address;  ///< IPv4 or IPv6 address of the host
    int port = 0;
    std::string instance_id;
};

Json to_json(const std::vector<PortCheck>& checks);
std::vector<PortCheck> port_checks_from_json(const Json& json);

/// Why the port cannot be bound on this host now: "port 5432 of 10.0.0.1 cannot be bound: Address already in use …".
std::optional<std::string> port_problem(const PortCheck& check);

}  // namespace pgedge
