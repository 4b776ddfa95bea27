#include "agent/backup_schedules.hpp"

#include "agent/run/scheduler.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/nodes.hpp"
#include "tests/unit/agent/run/operations_rig.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

/// The agent that looks after tasks, and a database whose node n1 is to be backed up at two o'clock.
struct ScheduleRig : test::Operator {
    Leases leases{store, clock, "host-1", "start-1"};
    BackupSchedules schedules{store, leases, operations, clock, Log::none()};

    ScheduleRig() {
        clock.set_wall(parse_rfc3339("2026-11-30T12:00:00Z"));
        leases.beat(limit);
        REQUIRE(leases.try_take(kSchedulerLease, "host-1", 1h, limit));
        auto wanted = document("shop", 1);
        RepositorySpec repository;
        repository.type = "posix";
        repository.base_path = "/backups";
        wanted.spec.backup_config = BackupConfigSpec{{repository}, {{"nightly", "full", "0 2 * * *"}}};
        const auto started = operations.create(wanted, {}, limit);
        CHECK(carry_out(started.task.id).status == TaskStatus::completed);
        look();
    }
    /// Until `time`, in steps of this length, as a living scheduler looks.
    void go_on(const char* time, std::chrono::minutes step = 10min) {
        while (clock.wall() < parse_rfc3339(time)) {
            clock.advance(step);
            look();
        }
    }
    void look() {
        clock.advance(BackupSchedules::kEvery);
        schedules.look(limit);
    }
    std::vector<Task> backups() {
        auto all = Tasks(store).list("database", "shop", {}, limit);
        std::erase_if(all, [](const Task& task) { return task.type != "node_backup"; });
        return all;
    }
    void end_backup() {
        Transaction transaction;
        transaction.add(Statement{"UPDATE task SET open = 0, status = 'completed' WHERE type = 'node_backup'", {}, {}});
        REQUIRE(store.commit(transaction, limit).committed);
    }
    void change(const std::string& expression) {
        auto database = *Databases(store).find("shop", limit);
        auto& list = database.spec.backup_config->schedules;
        if (expression.empty())
            list.clear();
        else
            list = {{"nightly", "full", expression}};
        Transaction transaction;
        transaction.add(Databases::update(database, database.revision));
        REQUIRE(store.commit(transaction, limit).committed);
    }
};

}  // namespace

TEST_CASE("a schedule begins one backup at each of its times") {
    ScheduleRig rig;
    rig.go_on("2026-12-01T01:40:00Z");
    CHECK(rig.backups().empty());
    rig.go_on("2026-12-01T02:30:00Z");
    REQUIRE(rig.backups().size() == 1);
    const auto task = rig.backups().front();
    CHECK(task.node_name == "n1");
    const auto steps = Tasks(rig.store).steps(task.id, rig.limit);
    REQUIRE(steps.size() == 1);
    CHECK(steps[0].work.arguments == Json{{"type", "full"},
                                          {"annotations", {{"pgedge-schedule", "nightly"}}},
                                          {"options", Json::object()},
                                          {"repositories", 1}});
    CHECK(Schedules(rig.store).of_database("shop", rig.limit).front().task_id == task.id);
    rig.end_backup();
    rig.go_on("2026-12-02T01:30:00Z");
    CHECK(rig.backups().size() == 1);
    rig.go_on("2026-12-02T02:30:00Z");
    CHECK(rig.backups().size() == 2);
}

TEST_CASE("what was missed is made up for once, and while another operation is under way it waits") {
    ScheduleRig rig;
    rig.clock.advance(72h);  // no agent was there
    rig.look();
    REQUIRE(rig.backups().size() == 1);
    rig.look();
    CHECK(rig.backups().size() == 1);
    rig.go_on("2026-12-04T03:00:00Z");  // the backup takes longer than a day
    CHECK(rig.backups().size() == 1);
    rig.end_backup();
    rig.look();
    REQUIRE(rig.backups().size() == 2);
    rig.end_backup();
    rig.look();
    CHECK(rig.backups().size() == 2);
}

TEST_CASE("of two agents that take themselves for the scheduler only one begins a backup") {
    ScheduleRig rig;
    Leases others(rig.store, rig.clock, "host-2", "start-2");
    BackupSchedules late(rig.store, others, rig.operations, rig.clock, Log::none());
    rig.clock.advance(24h);
    late.look(rig.limit);
    CHECK(rig.backups().empty());
    rig.look();
    CHECK(rig.backups().size() == 1);
}

TEST_CASE("a changed schedule begins anew, and one that was taken away is forgotten") {
    ScheduleRig rig;
    rig.change("0 */2 * * *");
    rig.look();
    CHECK(rig.backups().empty());
    rig.go_on("2026-11-30T14:10:00Z");
    CHECK(rig.backups().size() == 1);
    rig.end_backup();
    rig.change("");
    rig.look();
    CHECK(Schedules(rig.store).all(rig.limit).empty());
    rig.clock.advance(24h);
    rig.change("0 */2 * * *");
    rig.look();
    CHECK(rig.backups().size() == 1);
}
