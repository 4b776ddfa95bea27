#include "agent/resources/filesystem_dir.hpp"

#include <fmt/format.h>

#include "agent/runtime/instance_paths.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

InstancePaths paths_of(const std::filesystem::path& data_dir, const Resource& resource) {
    return {data_dir, resource.want.at("instance_id").get<std::string>()};
}

/// Says in the directory which instance it was made for.
std::filesystem::path birth_file(const InstancePaths& paths) { return paths.directory() / "created_at"; }

}  // namespace

Observed FilesystemDir::observe(const Resource& resource, StepContext&) {
    const auto paths = paths_of(data_dir_, resource);
    for (const auto& path : {paths.data().parent_path(), paths.configs(), paths.certificates()})
        if (!std::filesystem::is_directory(path)) return Observed::missing;
    return Observed::as_known;
}

void FilesystemDir::apply(const Resource& resource, StepContext& context) {
    const auto paths = paths_of(data_dir_, resource);
    const bool is_known = context.instance_created_at != WallTime();
    if (is_known) put_aside(paths, context);
    make_trusted_directory(paths.directory(), 0711);  // ours: only we may say which programs run here
    if (is_known) write_file(birth_file(paths), to_rfc3339_ms(context.instance_created_at) + "\n");
    user_.make_directory(paths.data().parent_path(), 0700);
    // Ours too, with files of theirs: in a directory of theirs a file could become a link to what only we may read.
    for (const auto& path : {paths.configs(), paths.certificates()}) make_trusted_directory(path, 0711);
}

void FilesystemDir::put_aside(const InstancePaths& paths, const StepContext& context) {
    const auto born = read_file_if_there(birth_file(paths), 100);
    if (!born || trimmed(*born) == to_rfc3339_ms(context.instance_created_at)) return;
    owner_.stop(paths.instance_id(), StopMode::fast, context.limit);
    owner_.forget(paths.instance_id());
    const auto aside = data_dir_ / "left" / fmt::format("{}.{}", paths.instance_id(), random_hex(4));
    make_trusted_directory(aside.parent_path(), 0700);
    rename_durably(paths.directory(), aside);
    context.tell(
        fmt::format("what an earlier instance {}, made {}, left on this host is now in {}: look at it, then "
                    "delete it",
                    paths.instance_id(), trimmed(*born), aside.string()));
}

void FilesystemDir::remove(const Resource& resource, StepContext& context) {
    const auto paths = paths_of(data_dir_, resource);
    for (const auto& path : {paths.directory(), paths.sockets(), paths.guard_file(".lock"), paths.guard_file(".last"),
                             paths.guard_file(".log")})
        delete_tree(path, context.limit);
}

}  // namespace pgedge
