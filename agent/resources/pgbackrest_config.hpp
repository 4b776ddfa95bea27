#pragma once

#include <filesystem>
#include <map>

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/instance_paths.hpp"
#include "agent/runtime/instance_user.hpp"

namespace pgedge {

/// The texts of files by path: a configuration of pgBackRest, and keys that it takes as files.
using PgBackRestFiles = std::map<std::filesystem::path, Secret>;

/// `file`, which tells pgBackRest of the data in `data`, with the options and secrets of `want`. Throws
/// Error{invalid_input} for a secret that makes no sense, and what StepContext::secret throws.
PgBackRestFiles pgbackrest_files(const InstancePaths& paths, const std::filesystem::path& file,
                                 const std::filesystem::path& data, int port, const Json& options, const Json& secrets,
                                 const StepContext& context);
/// Places for its locks, logs and spool, and the files. Throws Error{failed} when pgBackRest is not installed.
void write_pgbackrest_files(const InstancePaths& paths, const InstanceUser& user, const PgBackRestFiles& files);

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
    PgBackRestFiles texts(const Resource& resource, const StepContext& context) const;

    const std::filesystem::path data_dir_;
    const InstanceUser& user_;
};

}  // namespace pgedge
