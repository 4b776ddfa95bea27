#pragma once

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// `database.instance`: what a server holds beside the application's database. A primary: settings that replication
/// stands on, the script post_init, the product's roles and the spec's users. A replica: it follows its primary.
class DatabaseInstance final : public ResourceKind {
public:
    explicit DatabaseInstance(Runtime& runtime) : runtime_(runtime) {}
    std::string_view kind() const override { return "database.instance"; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    void apply_primary(const Json& want, StepContext& context);
    void apply_replica(const Json& want, StepContext& context);
    Runtime& runtime_;
};

}  // namespace pgedge
