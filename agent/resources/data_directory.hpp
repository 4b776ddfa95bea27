#pragma once

#include <filesystem>

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/instance_paths.hpp"
#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/runtime.hpp"
#include "agent/runtime/server_owner.hpp"

namespace pgedge {

/// `instance.data`: the data of one server, made by initdb or copied by pg_basebackup from whichever instance is its
/// node's primary then: `make` of its want says which, once. It is made under another name and renamed when it is
/// whole, so what is called pgdata can be started. With `restore` in its want, the data of that restore
/// (`common.restored_data`) take the place of those that are there. Removing it deletes the data.
class DataDirectory final : public ResourceKind {
public:
    DataDirectory(std::filesystem::path data_dir, const InstanceUser& user, Runtime& runtime, ServerOwner& owner)
        : data_dir_(std::move(data_dir)), user_(user), runtime_(runtime), owner_(owner) {}
    std::string_view kind() const override { return "instance.data"; }
    bool takes_long() const override { return true; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    void initialize(const std::filesystem::path& into, const Resource& resource, const StepContext& context) const;
    void copy_primary(const std::filesystem::path& into, const InstancePaths& paths, const Resource& resource,
                      const StepContext& context) const;

    std::filesystem::path data_dir_;
    const InstanceUser& user_;
    Runtime& runtime_;
    ServerOwner& owner_;
};

}  // namespace pgedge
