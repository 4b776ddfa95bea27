#include "common/model/backup.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr int kUsable = 0, kNoBackups = 2;  ///< status codes of a repository in pgBackRest's info

std::string text_or_empty(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

WallTime time_of(const Json& seconds) { return WallTime(std::chrono::seconds(seconds.get<std::int64_t>())); }

Backup backup_from(const Json& json) {
    Backup backup;
    backup.label = json.at("label");
    backup.type = json.at("type");
    backup.repository = json.at("database").value("repo-key", 1);
    backup.started_at = time_of(json.at("timestamp").at("start"));
    backup.completed_at = time_of(json.at("timestamp").at("stop"));
    backup.database_bytes = json.at("info").value("size", std::int64_t{0});
    const auto& stored = json.at("info").at("repository");
    backup.repository_bytes = stored.value("delta", std::int64_t{0});
    backup.wal_start = text_or_empty(json.at("archive"), "start");
    backup.wal_stop = text_or_empty(json.at("archive"), "stop");
    if (const auto lsn = json.find("lsn"); lsn != json.end() && lsn->is_object()) {
        backup.lsn_start = text_or_empty(*lsn, "start");
        backup.lsn_stop = text_or_empty(*lsn, "stop");
    }
    backup.prior = text_or_empty(json, "prior");
    if (const auto error = json.find("error"); error != json.end() && error->is_boolean()) backup.error = *error;
    if (const auto annotations = json.find("annotation"); annotations != json.end() && annotations->is_object())
        for (const auto& [name, value] : annotations->items()) {
            if (!value.is_string()) continue;
            if (name == kTaskAnnotation)
                backup.task_id = value;
            else
                backup.annotations[name] = value;
        }
    return backup;
}

void add_stanza(const Json& stanza, NodeBackups& found) {
    for (const auto& json : stanza.at("backup")) found.backups.push_back(backup_from(json));
    for (const auto& repository : stanza.at("repo")) {
        const auto& status = repository.at("status");
        const int code = status.at("code");
        if (code != kUsable && code != kNoBackups)
            found.errors.push_back(
                fmt::format("repository {}: {}", repository.value("key", 1), status.value("message", "")));
    }
}

}  // namespace

NodeBackups backups_from_info(const Json& info) {
    NodeBackups found;
    try {
        for (const auto& stanza : info) add_stanza(stanza, found);
    } catch (const Json::exception& error) {
        throw Error(ErrorKind::failed, std::string("what pgbackrest info says cannot be read: ") + error.what(),
                    "is this version of pgBackRest supported? 2.45 and later are");
    }
    std::stable_sort(found.backups.begin(), found.backups.end(),
                     [](const Backup& left, const Backup& right) { return left.completed_at < right.completed_at; });
    return found;
}

bool is_backup_option(std::string_view name) {
    static constexpr std::array<std::string_view, 23> kOptions{"archive-check",
                                                               "archive-copy",
                                                               "archive-timeout",
                                                               "backup-standby",
                                                               "buffer-size",
                                                               "checksum-page",
                                                               "compress",
                                                               "compress-level",
                                                               "compress-type",
                                                               "db-timeout",
                                                               "delta",
                                                               "exclude",
                                                               "expire-auto",
                                                               "io-timeout",
                                                               "manifest-save-threshold",
                                                               "process-max",
                                                               "protocol-timeout",
                                                               "repo",
                                                               "resume",
                                                               "start-fast",
                                                               "stop-auto",
                                                               "archive-mode-check",
                                                               "compress-level-network"};
    return std::find(kOptions.begin(), kOptions.end(), name) != kOptions.end();
}

}  // namespace pgedge
