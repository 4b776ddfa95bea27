#pragma once

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// `database.postgres_database`: the application's database on a node's primary, a node of its replication extension,
/// with the script post_database_create, owner and rights, and sequences and DDL taken care of.
class PostgresDatabase final : public ResourceKind {
public:
    explicit PostgresDatabase(Runtime& runtime) : runtime_(runtime) {}
    std::string_view kind() const override { return "database.postgres_database"; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    void create_if_missing(const Json& want, const StepContext& context);
    Runtime& runtime_;
};

}  // namespace pgedge
