#pragma once

#include "agent/resources/resource_kind.hpp"

namespace pgedge {

/// `database.high_availability`: what commits of a node with replicas wait for, and who may take over. Nothing is made:
/// the agents of the node's instances read it as it is stored, follow it step by step, and go on to do so whatever
/// happens to the node (agent/ha/ha_policy.hpp).
class HighAvailabilityPolicy final : public ResourceKind {
public:
    std::string_view kind() const override { return "database.high_availability"; }
    Observed observe(const Resource&, StepContext&) override { return Observed::as_known; }
    void apply(const Resource&, StepContext&) override {}
    void remove(const Resource&, StepContext&) override {}
};

}  // namespace pgedge
