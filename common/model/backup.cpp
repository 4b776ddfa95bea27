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

const Backup* backup_before(const NodeBackups& backups, WallTime target) {
    const auto second = std::chrono::floor<std::chrono::seconds>(target);  // as pgBackRest compares them
    const Backup* best = nullptr;
    for (const auto& backup : backups.backups)
        if (backup.repository == 1 && backup.completed_at < second &&
            (!best || best->completed_at < backup.completed_at))
            best = &backup;
    return best;
}

std::optional<WallTime> parse_target_time(std::string text) {
    if (const auto space = text.find(' '); space != std::string::npos) text[space] = 'T';
    // "+00" and "-0430" are zones there.
    if (const auto sign = text.find_last_of("+-"); sign != std::string::npos && sign > text.find('T')) {
        const auto digits = text.size() - sign - 1;
        if (digits == 2) text += ":00";
        if (digits == 4 && text.find(':', sign) == std::string::npos) text.insert(sign + 3, ":");
    }
    try {
        return parse_rfc3339(text);
    } catch (const Error&) {
        return std::nullopt;
    }
}

void check_restorable(const NodeBackups& backups, const std::map<std::string, std::string>& options, WallTime now) {
    const auto refuse = [](std::string what, std::string hint) {
        throw Error(ErrorKind::invalid_input, std::move(what), std::move(hint));
    };
    const auto option = [&](const char* name) {
        const auto found = options.find(name);
        return found == options.end() ? std::string() : found->second;
    };
    const auto in_first = [](const Backup& backup) { return backup.repository == 1; };
    const auto& all = backups.backups;
    const auto first = std::find_if(all.begin(), all.end(), in_first);
    if (first == all.end()) {
        const std::string why = backups.errors.empty() ? "" : ": " + backups.errors.front();
        refuse("there is no backup to restore" + why, "pgedgectl backup list tells what there is");
    }
    const auto label = option("set");
    const auto chosen = std::find_if(all.begin(), all.end(),
                                     [&](const Backup& backup) { return in_first(backup) && backup.label == label; });
    if (!label.empty() && label != "latest" && chosen == all.end())
        refuse(fmt::format("there is no backup \"{}\"", label), "pgedgectl backup list tells what there is");
    const auto target = option("type") == "time" ? parse_target_time(option("target")) : std::nullopt;
    if (!target) return;
    if (*target > now)
        refuse(fmt::format("the target {} lies ahead", option("target")),
               "leave the target out to restore all there is");
    if (chosen == all.end() && !backup_before(backups, *target))
        refuse(fmt::format("the target {} lies before the first backup was complete, at {}", option("target"),
                           to_rfc3339(first->completed_at)),
               "choose a later target");
    if (chosen != all.end() && std::chrono::floor<std::chrono::seconds>(*target) <= chosen->completed_at)
        refuse(fmt::format("the target {} lies before backup {} was complete, at {}", option("target"), label,
                           to_rfc3339(chosen->completed_at)),
               "choose a later target, or an earlier backup");
}

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
