#pragma once

#include "agent/resources/local_session.hpp"
#include "agent/resources/resource_kind.hpp"

namespace pgedge {

/// `database.physical_slot`: what keeps WAL on the node's primary for one of its instances. Made before the instance is
/// copied, so that nothing it needs can go meanwhile. The primary keeps none for itself: it would keep WAL for ever.
class PhysicalSlot final : public ResourceKind {
public:
    explicit PhysicalSlot(Runtime& runtime) : runtime_(runtime) {}
    std::string_view kind() const override { return "database.physical_slot"; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    bool is_its_own(const Resource& resource, const StepContext& context) const;
    Runtime& runtime_;
};

}  // namespace pgedge
