#include "agent/run/retention.hpp"

#include <doctest/doctest.h>

#include "agent/run/scheduler.hpp"
#include "agent/store/local_store.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/fake_clock.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::days kAge{30};
constexpr std::int64_t kCount = 10'000;

/// On the host that looks after tasks.
struct RetentionRig {
    LocalStore store;
    FakeClock clock;
    Leases leases{store, clock, "host-1", "start-1"};
    Retention retention{store, leases, clock, Log::none(), {kAge, kCount}};
    Transaction waiting;

    RetentionRig() {
        leases.beat(soon());
        REQUIRE(leases.try_take(kSchedulerLease, "host-1", 1h, soon()));
    }
    static Limit soon() { return Limit(60s); }
    void send() {
        REQUIRE(store.commit(waiting, soon()).committed);
        waiting = Transaction();
    }
    /// A task with a step and a line in its log.
    std::string task(TaskStatus status, const std::string& parent = {}) {
        Task task;
        task.id = new_uuid();
        task.scope = "host";
        task.entity_id = "host-1";
        task.parent_id = parent;
        task.type = "test";
        task.status = status;
        task.created_at = clock.wall();
        if (is_final(status)) task.completed_at = clock.wall();
        waiting.add(Tasks::insert(task, TaskStage::none, Json::object()));
        StepRow step;
        step.task_id = task.id;
        step.id = "step";
        waiting.add(Tasks::insert_step(step));
        waiting.add(Tasks::append_log(task.id, {new_uuid(), clock.wall(), "done", Json::object()}));
        if (waiting.statements.size() > 500) send();
        return task.id;
    }
    /// Until there is nothing more to forget; how many times it was more.
    int forget() {
        int times = 0;
        clock.advance(Retention::kEvery);
        while (retention.look(soon())) ++times;
        return times;
    }
    std::int64_t count(const std::string& of) {
        return store.read({.sql = "SELECT count(*) FROM " + of}, Freshness::leader, soon()).at(0).integer(0);
    }
    bool there(const std::string& id) { return Tasks(store).find(id, soon()).has_value(); }
};

}  // namespace

TEST_CASE("of closed tasks the newest ten thousand stay, with their steps and logs") {
    RetentionRig rig;
    const auto open = rig.task(TaskStatus::running), child = rig.task(TaskStatus::completed, open),
               oldest = rig.task(TaskStatus::completed), last = rig.task(TaskStatus::failed);
    rig.waiting.add(
        Statement{"INSERT INTO database (id, state, dialect, spec, last_task_id, revision, created_at, updated_at) "
                  "VALUES ('db', 'failed', 'pglogical', '{}', ?, 7, 1, 1)",
                  {last},
                  1});
    std::vector<std::string> rest;
    for (int i = 0; i < kCount + 250; ++i) rest.push_back(rig.task(TaskStatus::completed));
    rig.send();

    CHECK(rig.forget() == 3);  // a hundred at a time
    CHECK(!rig.there(oldest));
    CHECK(!rig.there(rest[249]));
    CHECK(rig.there(rest[250]));
    CHECK(rig.there(open));
    CHECK(rig.there(child));  // its parent is open
    CHECK(rig.there(last));   // of its database it is the newest
    CHECK(rig.count("task") == kCount + 3);
    CHECK(rig.count("step") == kCount + 3);
    CHECK(rig.count("task_log") == kCount + 3);
    CHECK(rig.forget() == 0);
}

TEST_CASE("closed tasks go when they are old, and not before it is time to look again") {
    RetentionRig rig;
    const auto old = rig.task(TaskStatus::canceled), open = rig.task(TaskStatus::pending);
    rig.clock.advance(kAge - 1h);
    const auto young = rig.task(TaskStatus::completed);
    rig.send();
    CHECK(rig.forget() == 0);
    rig.clock.advance(2h);
    CHECK(rig.forget() == 1);
    CHECK(!rig.there(old));
    CHECK(rig.there(open));
    CHECK(rig.there(young));

    rig.clock.advance(kAge);
    CHECK(rig.retention.look(RetentionRig::soon()));
    CHECK(!rig.retention.look(RetentionRig::soon()));
    rig.task(TaskStatus::completed);
    rig.send();
    rig.clock.advance(Retention::kEvery - 1s);
    CHECK(!rig.retention.look(RetentionRig::soon()));
}

TEST_CASE("who does not hold the scheduler's lease forgets nothing") {
    RetentionRig rig;
    const auto old = rig.task(TaskStatus::completed);
    rig.send();
    rig.clock.advance(kAge + 1h);
    rig.leases.release(kSchedulerLease, RetentionRig::soon());
    CHECK(rig.forget() == 0);
    CHECK(rig.there(old));
}
