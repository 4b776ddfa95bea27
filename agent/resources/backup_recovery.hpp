#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// What pgBackRest has restored into a directory of its own becomes the data of a server that was shut down in good
/// order: it is recovered up to the target, promoted, and made fit for its node, by PostgreSQL in single-user mode. No
/// server runs, nobody can log in, no worker of a replication extension starts: the slots of living nodes are theirs.
class BackupRecovery {
public:
    using Tell = std::function<void(std::string_view line)>;

    /// `data`: what was restored. `paths`: of the instance, whose configuration is used.
    BackupRecovery(Runtime& runtime, const InstanceUser& user, const InstancePaths& paths, std::string bin_dir,
                   std::filesystem::path data)
        : runtime_(runtime), user_(user), paths_(paths), bin_dir_(std::move(bin_dir)), data_(std::move(data)) {}

    /// Replays the WAL that restore_command gives, up to the target that pgBackRest has written down, and promotes.
    /// Throws Error{failed} with what PostgreSQL says, also when the target lies behind the end of the WAL.
    void recover(const Tell& tell, const Limit& limit) const;
    /// Makes `database` that of `node`: see agent/postgres/sql/restored.sql.
    void adopt(const std::string& database, const std::string& dialect, const std::string& node, const std::string& id,
               const Limit& limit) const;
    void rename_database(const std::string& from, const std::string& to, const Limit& limit) const;

private:
    std::string single_user(const std::string& database, const std::string& sql, const Tell& tell,
                            const Limit& limit) const;

    Runtime& runtime_;
    const InstanceUser& user_;
    const InstancePaths& paths_;
    const std::string bin_dir_;
    const std::filesystem::path data_;
};

/// postgresql.auto.conf without where to recover from and to: a standby would stop there.
std::string without_recovery_settings(std::string_view auto_conf);

}  // namespace pgedge
