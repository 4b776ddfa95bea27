#include "agent/resources/filesystem_dir.hpp"

#include "agent/runtime/instance_paths.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace {

InstancePaths paths_of(const std::filesystem::path& data_dir, const Resource& resource) {
    return {data_dir, resource.want.at("instance_id").get<std::string>()};
}

}  // namespace

Observed FilesystemDir::observe(const Resource& resource, StepContext&) {
    const auto paths = paths_of(data_dir_, resource);
    for (const auto& path : {paths.data().parent_path(), paths.configs(), paths.certificates()})
        if (!std::filesystem::is_directory(path)) return Observed::missing;
    return Observed::as_known;
}

void FilesystemDir::apply(const Resource& resource, StepContext&) {
    const auto paths = paths_of(data_dir_, resource);
    make_directory(paths.directory(), 0711);  // ours: only we may say which programs run here
    user_.make_directory(paths.data().parent_path(), 0700);
    // Ours too, with files of theirs: in a directory of theirs a file could become a link to what only we may read.
    for (const auto& path : {paths.configs(), paths.certificates()}) make_directory(path, 0711);
}

void FilesystemDir::remove(const Resource& resource, StepContext&) {
    const auto paths = paths_of(data_dir_, resource);
    for (const auto& path : {paths.directory(), paths.sockets(), paths.guard_file(".lock"), paths.guard_file(".last"),
                             paths.guard_file(".log")})
        delete_tree(path);
}

}  // namespace pgedge
