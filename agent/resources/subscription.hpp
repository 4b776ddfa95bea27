#pragma once

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// `database.subscription`: one direction between two nodes, made on the one that receives.
class Subscription final : public ResourceKind {
public:
    explicit Subscription(Runtime& runtime) : runtime_(runtime) {}
    std::string_view kind() const override { return "database.subscription"; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    Runtime& runtime_;
};

}  // namespace pgedge
