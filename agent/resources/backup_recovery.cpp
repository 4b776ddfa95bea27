#include "agent/resources/backup_recovery.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "agent/postgres/sql_files.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kToldErrors = 1000;

/// As a string of SQL.
std::string quoted_text(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
    return quoted + "'";
}
std::string quoted_name(std::string_view name) {
    std::string quoted = "\"";
    for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

/// A statement of single-user mode ends with a semicolon and an empty line.
std::string statement(const std::string& sql) { return sql + ";\n\n"; }

/// What PostgreSQL complains about, without where it stands in its log. Single-user mode goes on after an error, and
/// ends well.
std::string complaints(std::string_view output) {
    std::vector<std::string> found;
    for (const auto& line : split(std::string(output), '\n'))
        for (const char* level : {"ERROR:  ", "FATAL:  ", "PANIC:  "})
            if (const auto at = line.find(level); at != std::string::npos)
                found.emplace_back(trimmed(std::string_view(line).substr(at + 8)));
    return shortened(joined(found, "; "), kToldErrors);
}

std::string recovery_hint(std::string_view said) {
    if (said.find("before configured recovery target was reached") != std::string_view::npos)
        return "the target lies behind the last WAL in the repository: choose an earlier one, or restore all that "
               "there "
               "is";
    if (said.find("before consistent recovery point") != std::string_view::npos)
        return "the target lies before the end of the backup: choose an earlier backup with the option set, or a later "
               "target";
    return {};
}

}  // namespace

std::string BackupRecovery::single_user(const std::string& database, const std::string& sql, const Tell& tell,
                                        const Limit& limit) const {
    if (database.starts_with('-')) throw Error(ErrorKind::invalid_input, "a database's name cannot begin with -");
    const auto file = data_.parent_path() / "restored.sql";
    user_.write_file(file, sql, 0600);
    std::string said;
    ServerCommand command{"/bin", "sh", {"-c", "sql=$1; shift; exec \"$@\" <\"$sql\"", "sh", file.string()}};
    const std::vector<std::string> words{
        bin_dir_ + "/postgres", "--single", "-j", "-D", data_.string(), "-c",
        "config_file=" + paths_.config_file().string(), "-c", "listen_addresses=", "-c", "logging_collector=off", "-c",
        "log_destination=stderr", "-c", "shared_buffers=64MB",
        // Nobody reads meanwhile, and so it needs not all that the server of the backup had.
        "-c", "hot_standby=off", "-c", "recovery_target_action=promote", database};
    command.arguments.insert(command.arguments.end(), words.begin(), words.end());
    command.beside = paths_.instance_id();  // whose server goes on
    command.on_line = [&](std::string_view line) {
        said.append(line).append("\n");
        if (tell) tell(line);
    };
    try {
        runtime_.command(command, limit);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::failed) throw;
        const auto why = complaints(said);
        throw Error(ErrorKind::failed, why.empty() ? error.text() : why, recovery_hint(why));
    }
    std::filesystem::remove(file);
    return said;
}

void BackupRecovery::recover(const Tell& tell, const Limit& limit) const {
    within("recovering the backup", [&] { single_user("postgres", "", tell, limit); });
    for (const char* name : {"recovery.signal", "standby.signal"})
        if (std::filesystem::exists(data_ / name))
            throw Error(ErrorKind::failed, fmt::format("recovery has not ended: {} is still there", name));
    const auto file = data_ / "postgresql.auto.conf";
    if (const auto text = read_foreign_file(file)) user_.write_file(file, without_recovery_settings(*text), 0600);
}

void BackupRecovery::adopt(const std::string& database, const std::string& dialect, const std::string& node,
                           const std::string& id, const Limit& limit) const {
    const std::string done = "restored " + id;
    const std::string sql = statement("SET search_path = pg_catalog, pg_temp") +
                            statement("SET pgedge.dialect = " + quoted_text(dialect)) +
                            statement("SET pgedge.node = " + quoted_text(node)) +
                            statement("SET pgedge.restore = " + quoted_text(id)) + sql_file("restored.sql") + "\n" +
                            statement("SELECT what FROM pgedge_internal.done WHERE what = " + quoted_text(done));
    within(fmt::format("making database {} that of node {}", database, node), [&] {
        const auto said = single_user(database, sql, {}, limit);
        if (said.find("\"" + done + "\"") != std::string::npos) return;
        const auto why = complaints(said);
        throw Error(ErrorKind::failed, why.empty() ? "PostgreSQL does not say that it was done" : why,
                    why.find("does not exist") == std::string::npos
                        ? ""
                        : "it must be the backup of a database made by pgedgectl, under source_database_name");
    });
}

void BackupRecovery::rename_database(const std::string& from, const std::string& to, const Limit& limit) const {
    within(fmt::format("renaming database {} to {}", from, to), [&] {
        const auto said = single_user(
            "postgres", statement(fmt::format("ALTER DATABASE {} RENAME TO {}", quoted_name(from), quoted_name(to))),
            {}, limit);
        if (const auto why = complaints(said); !why.empty()) throw Error(ErrorKind::failed, why);
    });
}

std::string without_recovery_settings(std::string_view auto_conf) {
    constexpr std::array<std::string_view, 4> kOurs{"restore_command", "recovery_", "archive_cleanup_command",
                                                    "# Recovery settings generated by pgBackRest"};
    std::string kept;
    for (const auto& line : split(std::string(auto_conf), '\n')) {
        const bool goes = std::any_of(kOurs.begin(), kOurs.end(),
                                      [&](std::string_view begin) { return trimmed(line).starts_with(begin); });
        if (!goes && !(line.empty() && kept.ends_with("\n\n"))) kept += line + "\n";
    }
    while (kept.ends_with("\n\n")) kept.pop_back();
    return kept;
}

}  // namespace pgedge
