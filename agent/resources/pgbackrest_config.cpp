#include "agent/resources/pgbackrest_config.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "agent/resources/pgbackrest.hpp"
#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kKeyFile = "pgbackrest.";  ///< of a repository's key that pgBackRest takes as a file

InstancePaths paths_of_config(const std::filesystem::path& data_dir, const Resource& resource) {
    return {data_dir, resource.want.at("instance_id").get<std::string>()};
}

void check_installed() {
    if (::access(std::string(kPgBackRest).c_str(), X_OK) != 0)
        throw Error(ErrorKind::failed, fmt::format("pgBackRest is not installed here: there is no {}", kPgBackRest),
                    "install the package pgbackrest on this host, then apply again");
}

}  // namespace

PgBackRestFiles pgbackrest_files(const InstancePaths& paths, const std::filesystem::path& file,
                                 const std::filesystem::path& data, int port, const Json& options, const Json& secrets,
                                 const StepContext& context) {
    auto plain = options.get<std::map<std::string, std::string>>();
    std::map<std::string, Secret> hidden;
    PgBackRestFiles files;
    for (const auto& [name, reference] : secrets.items()) {
        Secret text = context.secret({reference.at("secret"), reference.at("fingerprint")});
        if (text.reveal().find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
            throw Error(ErrorKind::invalid_input, fmt::format("{} must be one line", name), "give it again");
        if (!name.ends_with("gcs-key")) {
            hidden[name] = std::move(text);
            continue;
        }
        const auto key = file.parent_path() / fmt::format("{}.{}.json", file.stem().string(), name);
        try {
            files[key] = Secret(from_base64(text.reveal()));
        } catch (const Error&) {
            throw Error(ErrorKind::invalid_input, name + " is not in base64",
                        "give gcs_key again: base64 -w0 key.json");
        }
        plain[name] = key.string();
    }
    files[file] = pgbackrest_conf(paths, data, port, plain, hidden);
    return files;
}

void write_pgbackrest_files(const InstancePaths& paths, const InstanceUser& user, const PgBackRestFiles& files) {
    check_installed();
    // Ours, with directories of theirs: see FilesystemDir.
    make_trusted_directory(pgbackrest_directory(paths), 0711);
    for (const char* name : {"lock", "log", "spool"}) user.make_directory(pgbackrest_directory(paths) / name, 0700);
    for (const auto& [path, text] : files) user.write_file(path, text.reveal(), 0600);
}

PgBackRestFiles PgBackRestConfig::texts(const Resource& resource, const StepContext& context) const {
    const auto paths = paths_of_config(data_dir_, resource);
    const Json& want = resource.want;
    return pgbackrest_files(paths, pgbackrest_file(paths), paths.data(), want.at("port"), want.at("options"),
                            want.at("secrets"), context);
}

Observed PgBackRestConfig::observe(const Resource& resource, StepContext& context) {
    for (const auto& [path, text] : texts(resource, context)) {
        const auto there = read_foreign_file(path);
        if (!there) return Observed::missing;
        if (*there != text.reveal()) return Observed::differs;
    }
    return Observed::as_known;
}

void PgBackRestConfig::apply(const Resource& resource, StepContext& context) {
    write_pgbackrest_files(paths_of_config(data_dir_, resource), user_, texts(resource, context));
}

void PgBackRestConfig::remove(const Resource& resource, StepContext& context) {
    const auto paths = paths_of_config(data_dir_, resource);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(paths.configs(), error))
        if (entry.path().filename().string().starts_with(kKeyFile)) delete_tree(entry.path(), context.limit);
    delete_tree(pgbackrest_directory(paths), context.limit);
}

}  // namespace pgedge
