#pragma once

#include <filesystem>

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/instance_paths.hpp"
#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// `process.data_directory`: the data of one server, made by initdb or, for a replica, by pg_basebackup from its node's
/// primary. It is made under another name and renamed when it is whole, so what is called pgdata can be started.
/// Removing it deletes the data.
class DataDirectory final : public ResourceKind {
public:
    DataDirectory(std::filesystem::path data_dir, const InstanceUser& user, Runtime& runtime)
        : data_dir_(std::move(data_dir)), user_(user), runtime_(runtime) {}
    std::string_view kind() const override { return "process.data_directory"; }
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
};

/// How a replica's server, or pg_basebackup, reaches the primary that `primary` of a resource names: a libpq connection
/// string with certificates, without any secret.
std::string replication_dsn(const InstancePaths& paths, const Json& primary);
/// replication_dsn() for a replica's server, which asks its primary to notice within 5 s when it hangs.
std::string primary_conninfo(const InstancePaths& paths, const Json& primary);

}  // namespace pgedge
