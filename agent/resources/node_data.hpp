#pragma once

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// `database.node_data`: what a node that is added gets of the others (docs/replication.md, "Adding a node"): a copy of
/// its source and all that was committed anywhere since, while clients go on writing on all of them. The copy becomes
/// visible with one commit; before it there is nothing of it in the new node. Nothing but slots for the new node is
/// left on the others.
class NodeData final : public ResourceKind {
public:
    explicit NodeData(Runtime& runtime) : runtime_(runtime) {}
    std::string_view kind() const override { return "database.node_data"; }
    bool takes_long() const override { return true; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    Runtime& runtime_;
};

}  // namespace pgedge
