#include "common/model/backup.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

namespace {

/// As pgBackRest 2.45 writes it; of repositories the first cannot be used.
constexpr auto kInfo = R"([{"archive": [], "backup": [
 {"annotation": {"pgedge-task": "0199d301-0000-7000-8000-000000000000", "why": "release"},
  "archive": {"start": "000000010000000000000003", "stop": "000000010000000000000004"},
  "backrest": {"format": 5, "version": "2.45"}, "database": {"id": 1, "repo-key": 2}, "error": true,
  "info": {"delta": 8, "repository": {"delta": 77, "size": 900}, "size": 30000000},
  "label": "20261130-203000F_20261130-203100I", "lsn": {"start": "0/3000028", "stop": "0/4000000"},
  "prior": "20261130-203000F", "reference": ["20261130-203000F"],
  "timestamp": {"start": 1796070660, "stop": 1796070663}, "type": "incr"},
 {"archive": {"start": null, "stop": null}, "database": {"id": 1, "repo-key": 2}, "error": false,
  "info": {"delta": 8, "repository": {"delta": 3, "size": 3}, "size": 30000000},
  "label": "20261130-203000F", "prior": null, "reference": null,
  "timestamp": {"start": 1796070600, "stop": 1796070601}, "type": "full"}],
 "cipher": "none", "db": [{"id": 1, "repo-key": 2, "system-id": 7, "version": "15"}], "name": "db",
 "repo": [{"cipher": "none", "key": 1, "status": {"code": 1, "message": "missing stanza path"}},
          {"cipher": "none", "key": 2, "status": {"code": 0, "message": "ok"}}],
 "status": {"code": 4, "lock": {"backup": {"held": false}}, "message": "different across repos"}}])";

}  // namespace

TEST_CASE("backups are read from what pgBackRest says, the oldest first") {
    const auto found = backups_from_info(Json::parse(kInfo));
    REQUIRE(found.backups.size() == 2);
    CHECK(found.backups[0].label == "20261130-203000F");
    CHECK(found.backups[0].type == "full");
    CHECK(found.backups[0].wal_start.empty());
    CHECK(found.backups[0].annotations.empty());
    const auto& backup = found.backups[1];
    CHECK(backup.repository == 2);
    CHECK(backup.prior == "20261130-203000F");
    CHECK(backup.task_id == "0199d301-0000-7000-8000-000000000000");
    CHECK(backup.annotations == std::map<std::string, std::string>{{"why", "release"}});
    CHECK(backup.error);
    CHECK(backup.database_bytes == 30000000);
    CHECK(backup.repository_bytes == 77);
    CHECK(backup.wal_stop == "000000010000000000000004");
    CHECK(backup.lsn_start == "0/3000028");
    CHECK(to_rfc3339(backup.started_at) < to_rfc3339(backup.completed_at));
    CHECK(found.errors == std::vector<std::string>{"repository 1: missing stanza path"});

    CHECK(backups_from_info(Json::array()).backups.empty());
    for (const char* wrong : {R"([{"backup": 1}])", R"([{"backup": [{}], "repo": []}])", R"([1])"})
        CHECK_THROWS_AS(backups_from_info(Json::parse(wrong)), Error);
}

TEST_CASE("options of a backup name no places, programs or secrets") {
    for (const char* option : {"compress-level", "process-max", "archive-check", "repo"})
        CHECK(is_backup_option(option));
    for (const char* option :
         {"repo1-path", "config", "cmd", "cmd-ssh", "repo1-cipher-pass", "lock-path", "pg1-host", ""})
        CHECK_FALSE(is_backup_option(option));
}

TEST_CASE("a target is looked at before a restore begins") {
    const auto at = [](const char* time) { return parse_rfc3339(time); };
    NodeBackups found;
    for (const char* time : {"2026-12-01T10:00:00Z", "2026-12-01T12:00:00Z"}) {
        Backup backup;
        backup.label = std::string("set-") + (found.backups.empty() ? "1" : "2");
        backup.completed_at = at(time);
        found.backups.push_back(backup);
    }
    CHECK(backup_before(found, at("2026-12-01T13:00:00Z"))->label == "set-2");
    CHECK(backup_before(found, at("2026-12-01T11:00:00Z"))->label == "set-1");
    // pgBackRest knows whole seconds only.
    CHECK(backup_before(found, at("2026-12-01T12:00:00.9Z"))->label == "set-1");
    CHECK(backup_before(found, at("2026-12-01T10:00:00Z")) == nullptr);

    const auto now = at("2026-12-01T14:00:00Z");
    using Options = std::map<std::string, std::string>;
    const auto refused = [&](const Options& options, const char* why) {
        CHECK_THROWS_WITH_AS(check_restorable(found, options, now), doctest::Contains(why), Error);
    };
    CHECK_NOTHROW(check_restorable(found, {}, now));
    CHECK_NOTHROW(check_restorable(found, {{"type", "xid"}, {"target", "731"}}, now));
    CHECK_NOTHROW(check_restorable(found, {{"type", "time"}, {"target", "2026-12-01 11:00:00.5+00"}}, now));
    refused({{"set", "set-3"}}, "there is no backup \"set-3\"");
    refused({{"type", "time"}, {"target", "2026-12-01 16:00:00+00"}}, "lies ahead");
    refused({{"type", "time"}, {"target", "2026-12-01 12:00:00+0230"}}, "before the first backup was complete");
    refused({{"type", "time"}, {"target", "2026-12-01 11:00:00+00"}, {"set", "set-2"}}, "before backup set-2");
    // Of another repository than the one that is restored from.
    for (auto& backup : found.backups) backup.repository = 2;
    found.errors = {"repository 1: missing stanza path"};
    refused({}, "missing stanza path");
}

TEST_CASE("targets are read as pgBackRest takes them") {
    const auto seconds = parse_rfc3339("2026-05-05T13:38:52Z");
    for (const char* same : {"2026-05-05 09:38:52-04", "2026-05-05 09:38:52-0400", "2026-05-05 09:38:52-04:00",
                             "2026-05-05T13:38:52Z", "2026-05-05 13:38:52+00"}) {
        CAPTURE(same);
        CHECK(parse_target_time(same) == seconds);
    }
    for (const char* none : {"", "yesterday", "2026-05-05", "2026-05-05 09:38:52", "2026-05-05 09:38:52-"})
        CHECK_FALSE(parse_target_time(none));
}
