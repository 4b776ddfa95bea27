#pragma once

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// `database.replication_slot`: what a provider keeps for one subscriber. The subscription reads from it; it is made
/// before and dropped after it, with whoever still reads.
class ReplicationSlot final : public ResourceKind {
public:
    explicit ReplicationSlot(Runtime& runtime) : runtime_(runtime) {}
    std::string_view kind() const override { return "database.replication_slot"; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    Runtime& runtime_;
};

}  // namespace pgedge
