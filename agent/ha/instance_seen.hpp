#pragma once

#include "agent/ha/instance_loop.hpp"

namespace pgedge {

/// What one pass saw: the observation for decide(), and what it was made of.
struct InstanceLoop::Seen {
    HaNode node;
    LeaseLook lease;
    Observation observation;
    std::optional<ServerLook> server;  ///< nullopt: it does not run, or does not answer
    Job job = Job::none;
    std::vector<std::string> reasons{};  ///< against its promotion
};

}  // namespace pgedge
