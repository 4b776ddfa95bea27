#include "agent/resources/data_directory.hpp"

#include <fmt/format.h>

#include "agent/postgres/conf_files.hpp"
#include "agent/resources/base_copy.hpp"
#include "agent/resources/restored_data.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kCopy = "copy";

}  // namespace

Observed DataDirectory::observe(const Resource& resource, StepContext&) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    return std::filesystem::exists(paths.data() / "PG_VERSION") ? Observed::as_known : Observed::missing;
}

void DataDirectory::apply(const Resource& resource, StepContext& context) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    if (const auto restore = resource.want.find("restore"); restore != resource.want.end()) {
        if (restore_of(paths.data()) != restore->get<std::string>())
            owner_.stop(paths.instance_id(), StopMode::fast, context.limit);
        return put_in_place(paths, *restore, context.limit);
    }
    if (observe(resource, context) == Observed::as_known) return;
    delete_unfinished(paths, context.limit);
    const auto fresh = unfinished_data(paths);
    if (resource.want.at("make") == kCopy)
        copy_primary(fresh, paths, resource, context);
    else
        initialize(fresh, resource, context);
    rename_durably(fresh, paths.data());
}

void DataDirectory::initialize(const std::filesystem::path& into, const Resource& resource,
                               const StepContext& context) const {
    // A plan of before a failover: the node has its data elsewhere now.
    const auto& primary = context.primary.instance_id;
    if (const std::string own = resource.want.at("instance_id");
        !primary.empty() && primary != own && resource.want.at("origin") != own)
        throw Error(ErrorKind::conflict, own + " is not the primary of its node any more, and gets no data of its own");
    runtime_.command({resource.want.at("bin_dir"),
                      "initdb",
                      {"--pgdata=" + into.string(), "--username=" + std::string(kSuperuser), "--data-checksums",
                       "--encoding=UTF8", "--locale=C.UTF-8",
                       "--auth-local=peer",  // pg_hba.conf of configs/ holds, this only silences a warning
                       "--auth-host=reject", "--no-instructions"}},
                     context.limit);
}

void DataDirectory::copy_primary(const std::filesystem::path& into, const InstancePaths& paths,
                                 const Resource& resource, const StepContext& context) const {
    const NodePrimary& primary = context.primary;
    if (primary.instance_id.empty() || primary.instance_id == paths.instance_id())
        throw Error(ErrorKind::unreachable,
                    fmt::format("there is no other instance to copy {} from: its node has no primary, or it is that "
                                "itself now",
                                paths.instance_id()));
    const CopySource source{resource.want.at("bin_dir"), primary.instance_id, primary.address, primary.port,
                            resource.want.at("slot")};
    CopyHooks hooks;
    hooks.progress = [&](const Progress& progress) { context.progress(progress); };
    hooks.tell = [&](const std::string& what) { context.tell(what); };
    copy_from_primary(runtime_, user_, paths, source, into, hooks, context.limit);
}

void DataDirectory::remove(const Resource& resource, StepContext& context) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    // By rename first: half deleted data must not look like data.
    if (std::filesystem::exists(paths.data())) rename_durably(paths.data(), unfinished_data(paths));
    delete_unfinished(paths, context.limit);
    // Of high availability: copies that were not finished, and what one replaced.
    for (const auto* maker : {"copied", "old", "rewinding"}) delete_unfinished(paths, context.limit, maker);
    for (const auto* of_restore : {"restored", "before_restore"}) delete_unfinished(paths, context.limit, of_restore);
}

}  // namespace pgedge
