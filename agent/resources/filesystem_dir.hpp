#pragma once

#include <filesystem>

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/server_owner.hpp"

namespace pgedge {

/// `filesystem.dir`: the directories of one instance. Removing it deletes them with all that is inside. What an earlier
/// instance of the same id left behind, on a host that was treated as lost and came back, is not taken over: its server
/// is stopped, and its directory moved to <data_dir>/left.
class FilesystemDir final : public ResourceKind {
public:
    FilesystemDir(std::filesystem::path data_dir, const InstanceUser& user, ServerOwner& owner)
        : data_dir_(std::move(data_dir)), user_(user), owner_(owner) {}
    std::string_view kind() const override { return "filesystem.dir"; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    void put_aside(const InstancePaths& paths, const StepContext& context);

    std::filesystem::path data_dir_;
    const InstanceUser& user_;
    ServerOwner& owner_;
};

}  // namespace pgedge
