#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// `common.restored_data`: the data of a backup, recovered up to where was asked for, beside those that an instance
/// uses. Its server goes on meanwhile. instance.data puts them in place; removing deletes what is left of them.
class RestoredData final : public ResourceKind {
public:
    RestoredData(std::filesystem::path data_dir, const InstanceUser& user, Runtime& runtime)
        : data_dir_(std::move(data_dir)), user_(user), runtime_(runtime) {}
    std::string_view kind() const override { return "common.restored_data"; }
    bool takes_long() const override { return true; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    void check_room(const Json& info, const std::filesystem::path& place) const;

    std::filesystem::path data_dir_;
    const InstanceUser& user_;
    Runtime& runtime_;
};

/// The directory beside the data of an instance where those of the restore `id` are, whole; nullopt: not (any more).
std::optional<std::filesystem::path> restored_data(const InstancePaths& paths, const std::string& id);
/// The restore that data are of; empty: none.
std::string restore_of(const std::filesystem::path& data);
/// Puts restored_data() in the place of the instance's data, whose server is down; these are kept beside it in
/// data_before_restore(). Can be repeated after a crash at any moment. Throws Error{failed} when there are none.
void put_in_place(const InstancePaths& paths, const std::string& id, const Limit& limit);
std::filesystem::path data_before_restore(const InstancePaths& paths);

}  // namespace pgedge
