#pragma once

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// `common.pgbackrest_stanza`: the place of a node's backups in each of its repositories, made by the node's primary
/// and checked: a segment of WAL has gone into the archive. Backups stay when it is removed, also when the node is.
class PgBackRestStanza final : public ResourceKind {
public:
    explicit PgBackRestStanza(Runtime& runtime) : runtime_(runtime) {}
    std::string_view kind() const override { return "common.pgbackrest_stanza"; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    Runtime& runtime_;
};

}  // namespace pgedge
