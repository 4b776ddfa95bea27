#include "agent/runtime/standby_signal.hpp"

#include <algorithm>
#include <array>

#include "agent/runtime/launcher.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/subprocess.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr const char* kSignal = "standby.signal";

void run_as(const InstanceUser& user, std::vector<std::string> words, const Limit& limit) {
    Command command;
    command.argv = std::move(words);
    user.become(command);
    run_or_throw(command, limit);
}

/// "shut down": what the control file says of the last server.
std::string cluster_state(const std::filesystem::path& data, const std::string& bin_dir, const Launcher& programs,
                          const Limit& limit) {
    constexpr std::string_view kLine = "Database cluster state:";
    std::string state;
    const auto look = [&](std::string_view line) {
        if (line.starts_with(kLine)) state = trimmed(line.substr(kLine.size()));
    };
    programs.command({bin_dir, "pg_controldata", {"--pgdata=" + data.string()}, look}, limit);
    return state;
}

}  // namespace

bool has_standby_signal(const std::filesystem::path& data) {
    std::error_code error;
    return std::filesystem::exists(data / kSignal, error);
}

void make_standby(const std::filesystem::path& data, const InstanceUser& user, const Limit& limit) {
    const std::string file = data / kSignal;
    run_as(user, {"touch", file}, limit);
    run_as(user, {"sync", file, data.string()}, limit);
}

void check_can_be_standby(const InstancePaths& paths) {
    const auto lines = split(read_foreign_file(paths.config_file()).value_or(""), '\n');
    const bool names_primary = std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
        return line.starts_with("primary_conninfo") && line.find("= ''") == std::string::npos;
    });
    if (!names_primary)
        throw Error(ErrorKind::conflict,
                    paths.instance_id() + " cannot be started as a standby: its configuration names no primary");
}

void check_is_no_standby(const InstancePaths& paths, const std::string& bin_dir, const Launcher& programs,
                         const Limit& limit) {
    constexpr std::array<std::string_view, 3> kOfPrimary{"in production", "shut down", "in crash recovery"};
    const auto data = paths.data();
    std::error_code error;
    // With a label it is a copy, or was rewound, and has the control file of the server that it comes from.
    const bool is_copy = std::filesystem::exists(data / "backup_label", error);
    const auto state = cluster_state(data, bin_dir, programs, limit);
    if (is_copy || std::find(kOfPrimary.begin(), kOfPrimary.end(), state) == kOfPrimary.end())
        throw Error(ErrorKind::conflict, paths.instance_id() + " is a standby (its data are " +
                                             (is_copy ? std::string("a copy") : "\"" + state + "\"") +
                                             "): it has to be promoted");
}

void unmake_standby(const InstancePaths& paths, const std::string& bin_dir, const InstanceUser& user,
                    const Launcher& programs, const Limit& limit) {
    check_is_no_standby(paths, bin_dir, programs, limit);
    const auto data = paths.data();
    run_as(user, {"rm", "--force", data / kSignal}, limit);
    run_as(user, {"sync", data.string()}, limit);
}

}  // namespace pgedge
