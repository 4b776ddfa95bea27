#pragma once

#include <filesystem>

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/instance_user.hpp"

namespace pgedge {

/// `filesystem.dir`: the directories of one instance. Removing it deletes them with all that is inside.
class FilesystemDir final : public ResourceKind {
public:
    FilesystemDir(std::filesystem::path data_dir, const InstanceUser& user)
        : data_dir_(std::move(data_dir)), user_(user) {}
    std::string_view kind() const override { return "filesystem.dir"; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    std::filesystem::path data_dir_;
    const InstanceUser& user_;
};

}  // namespace pgedge
