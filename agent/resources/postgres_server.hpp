#pragma once

#include <filesystem>

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// `process.postgres`: one server up and running, with no setting waiting for a restart. Removing it stops the server.
class PostgresServer final : public ResourceKind {
public:
    PostgresServer(std::filesystem::path data_dir, Runtime& runtime)
        : data_dir_(std::move(data_dir)), runtime_(runtime) {}
    std::string_view kind() const override { return "process.postgres"; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    std::filesystem::path data_dir_;
    Runtime& runtime_;
};

}  // namespace pgedge
