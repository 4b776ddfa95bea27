#pragma once

#include <filesystem>
#include <map>

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/instance_user.hpp"

namespace pgedge {

/// `common.pgbackrest_config`: what pgBackRest needs to know of an instance and of its repositories, with their
/// secrets: files of the server's user that nobody else can read.
class PgBackRestConfig final : public ResourceKind {
public:
    PgBackRestConfig(std::filesystem::path data_dir, const InstanceUser& user)
        : data_dir_(std::move(data_dir)), user_(user) {}
    std::string_view kind() const override { return "common.pgbackrest_config"; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    using Texts = std::map<std::filesystem::path, Secret>;
    Texts texts(const Resource& resource, const StepContext& context) const;

    const std::filesystem::path data_dir_;
    const InstanceUser& user_;
};

}  // namespace pgedge
