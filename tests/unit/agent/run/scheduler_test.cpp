#include "agent/run/scheduler.hpp"

#include <doctest/doctest.h>

#include "agent/run/plan_steps.hpp"
#include "agent/run/resource_work.hpp"
#include "agent/store/local_store.hpp"
#include "agent/store/tables/step_queue.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/fake_clock.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

struct FakeReplanner final : Replanner {
    Plan plan;
    std::optional<Error> error;
    int calls = 0;
    Plan plan_again(const OpenTask&, const Limit&) override {
        ++calls;
        if (error) throw *error;
        return plan;
    }
};

Plan plan_of(const std::vector<std::pair<std::string, std::string>>& resources) {
    Plan plan;
    for (const auto& [name, host] : resources) {
        Step step;
        step.id = "1.fake::" + name + ".create";
        step.resource.id = {"fake", name};
        step.resource.host_id = host;
        plan.steps.push_back(step);
    }
    return plan;
}

/// A scheduler on host-1 that holds the lease; host-2 beats when told to.
struct SchedulerRig {
    LocalStore store;
    FakeClock clock;
    Leases leases{store, clock, "host-1", "start-1"}, other{store, clock, "host-2", "start-2"};
    FakeReplanner replanner;
    StepQueue one{store, "host-1", "start-1"}, two{store, "host-2", "start-2"};
    ResourceKinds kinds;
    WorkKinds works = WorkKinds()
                          .add(std::make_shared<ObserveResources>(parts()))
                          .add(std::make_shared<ChangeResource>(kMakeResource, parts()));
    HostLiveness liveness{clock};
    Scheduler scheduler{store, leases, replanner, works, liveness, clock, Log::none(), 30s};
    std::string task = new_uuid();

    SchedulerRig() {
        commit(
            {"INSERT INTO database (id, state, dialect, spec, last_task_id, revision, created_at, updated_at) "
             "VALUES ('db', 'modifying', 'pglogical', '{}', ?, 7, 1, 1)",
             {task},
             1});
        beat();
        REQUIRE(leases.try_take(kSchedulerLease, "host-1", 6s, Limit(10s)));
    }
    ResourceWork::Parts parts() { return {store, kinds, one, clock, {}}; }
    void commit(Statement statement) {
        Transaction transaction;
        transaction.add(std::move(statement));
        REQUIRE(store.commit(transaction, Limit(10s)).committed);
    }
    void begin(const Preliminaries& before, const Plan& plan) {
        Task row;
        row.id = task;
        row.scope = "database";
        row.entity_id = row.database_id = "db";
        row.type = "update";
        commit(Tasks::insert(row, TaskStage::apply, Json::object()));
        for (const auto& step : step_rows(task, before, plan)) commit(Tasks::insert_step(step));
    }
    void beat() {
        leases.beat(Limit(10s));
        other.beat(Limit(10s));
    }
    /// Seconds go by in which host-1 beats, and host-2 perhaps.
    void pass(std::chrono::seconds time, bool other_beats) {
        for (; time > 0s; time -= 1s) {
            clock.advance(1s);
            leases.beat(Limit(10s));
            leases.try_take(kSchedulerLease, "host-1", 6s, Limit(10s));
            if (other_beats) other.beat(Limit(10s));
            scheduler.look_after_tasks(Limit(10s));
        }
    }
    void claim(const StepQueue& queue) {
        Transaction transaction;
        transaction.add(queue.claim(16, clock.wall()));
        REQUIRE(store.commit(transaction, Limit(10s)).committed);
    }
    Task now() { return *Tasks(store).find(task, Limit(10s)); }
    std::string log() {
        std::string text;
        for (const auto& entry : Tasks(store).log(task, "", {}, Limit(10s))) text += entry.message + "\n";
        return text;
    }
};

}  // namespace

TEST_CASE("without open tasks there is nothing to look after") {
    SchedulerRig rig;
    CHECK_FALSE(rig.scheduler.look_after_tasks(Limit(10s)));
}

TEST_CASE("a host that has been silent for 30 s loses its steps, one that beats keeps them") {
    SchedulerRig rig;
    rig.begin({}, plan_of({{"a", "host-1"}, {"b", "host-2"}}));
    rig.claim(rig.two);

    rig.pass(60s, true);
    CHECK(rig.now().status == TaskStatus::running);
    rig.pass(29s, false);
    CHECK(rig.now().status == TaskStatus::running);
    rig.pass(2s, false);

    const std::string story =
        "host host-2 has not been heard from for 30s, while creating resource fake::b; start its agent and do it "
        "again; "
        "or, when the host is lost for good, take it out of the spec and update the database with remove_host=host-2 "
        "(pgedgectl apply -f FILE --remove-host host-2), or delete the database in the same way (pgedgectl db "
        "delete DATABASE --remove-host host-2)";
    CHECK(rig.now().status == TaskStatus::failed);
    CHECK(rig.now().error == story);
    CHECK(rig.log() == story + "\n");
}

TEST_CASE("a host that never came is given up as well, but not by an observer that looks for the first time") {
    SchedulerRig rig;
    rig.clock.advance(10min);
    rig.beat();
    rig.leases.try_take(kSchedulerLease, "host-1", 6s, Limit(10s));
    rig.begin({{"host-9"}, {}}, plan_of({{"a", "host-1"}}));

    CHECK(rig.scheduler.look_after_tasks(Limit(10s)));
    rig.pass(29s, true);
    CHECK(rig.now().status == TaskStatus::pending);
    rig.pass(2s, true);

    CHECK(rig.now().status == TaskStatus::failed);
    CHECK(rig.now().error.starts_with("host host-9 has not been heard from for 30s, while refreshing its state; "));
}

TEST_CASE("an agent without the lease changes nothing") {
    SchedulerRig rig;
    rig.begin({}, plan_of({{"b", "host-2"}}));
    rig.scheduler.look_after_tasks(Limit(10s));
    rig.leases.release(kSchedulerLease, Limit(10s));
    REQUIRE(rig.other.try_take(kSchedulerLease, "host-2", 6s, Limit(10s)));
    rig.clock.advance(10min);

    rig.scheduler.look_after_tasks(Limit(10s));

    CHECK(rig.now().status == TaskStatus::pending);
}

TEST_CASE("a plan is made again when all looks are done, and replaces the steps of the old one") {
    SchedulerRig rig;
    rig.begin({{"host-1", "host-2"}, {}}, plan_of({{"old", "host-1"}}));
    rig.claim(rig.one);
    rig.commit({"UPDATE task SET stage = 'replan'", {}, 1});
    rig.replanner.plan = plan_of({{"new", "host-2"}});

    rig.scheduler.look_after_tasks(Limit(10s));
    CHECK(rig.replanner.calls == 0);
    rig.commit({"UPDATE step SET status = 'done' WHERE resource IS NULL", {}, 2});
    rig.scheduler.look_after_tasks(Limit(10s));

    CHECK(rig.replanner.calls == 1);
    const auto steps = Tasks(rig.store).steps(rig.task, Limit(10s));
    REQUIRE(steps.size() == 3);
    CHECK(steps[2].step->resource.id.name == "new");
    CHECK(steps[2].wait_for == std::vector<std::string>{"refresh.host-1", "refresh.host-2"});
    CHECK(rig.log() == "the plan was made again from what was found\n");
    CHECK(rig.two.open(Limit(10s)).size() == 1);
}

TEST_CASE("a new plan without steps completes the task") {
    SchedulerRig rig;
    rig.begin({{"host-1"}, {}}, plan_of({{"old", "host-1"}}));
    rig.claim(rig.one);
    rig.commit({"UPDATE step SET status = 'done' WHERE resource IS NULL", {}, 1});
    rig.commit({"UPDATE task SET stage = 'replan'", {}, 1});

    rig.scheduler.look_after_tasks(Limit(10s));

    CHECK(rig.now().status == TaskStatus::completed);
}

TEST_CASE("a plan that cannot be made again fails the task with the reason, unless it may pass") {
    SchedulerRig rig;
    rig.begin({{"host-1"}, {}}, plan_of({{"old", "host-1"}}));
    rig.claim(rig.one);
    rig.commit({"UPDATE step SET status = 'done' WHERE resource IS NULL", {}, 1});
    rig.commit({"UPDATE task SET stage = 'replan'", {}, 1});

    rig.replanner.error = Error(ErrorKind::unreachable, "no leader");
    CHECK_THROWS_AS(rig.scheduler.look_after_tasks(Limit(10s)), Error);
    CHECK(rig.now().status == TaskStatus::running);
    rig.replanner.error = Error(ErrorKind::invalid_input, "host-1 has no PostgreSQL");
    rig.scheduler.look_after_tasks(Limit(10s));

    CHECK(rig.now().status == TaskStatus::failed);
    CHECK(rig.now().error == "the plan could not be made again: host-1 has no PostgreSQL");
}

TEST_CASE("a child that was begun while its parent was canceled is ended by the scheduler") {
    SchedulerRig rig;
    rig.begin({}, plan_of({{"a", "host-1"}}));
    Task child;
    child.id = new_uuid();
    child.scope = "host";
    child.entity_id = "host-1";
    child.parent_id = rig.task;
    rig.commit(Tasks::insert(child, TaskStage::apply, Json::object()));
    rig.commit(Tasks::insert_step({.task_id = child.id, .id = "own", .host_id = "host-1", .work = {"do_it"}}));
    rig.commit({"UPDATE task SET status = 'canceling' WHERE id = ?", {rig.task}, 1});  // and nobody settled the child

    for (int i = 0; i < 3; ++i) rig.scheduler.look_after_tasks(Limit(10s));

    CHECK(Tasks(rig.store).find(child.id, Limit(10s))->status == TaskStatus::canceled);
    CHECK(rig.now().status == TaskStatus::canceled);
}

TEST_CASE("a store that took no beats for a minute costs no living host its steps") {
    SchedulerRig rig;
    rig.begin({}, plan_of({{"a", "host-1"}, {"b", "host-2"}}));
    rig.claim(rig.two);
    rig.pass(5s, true);
    // Others read beats in their own copies all the while.
    for (int i = 0; i < 30; ++i) {
        rig.clock.advance(2s);
        rig.liveness.observe(rig.store, Freshness::local, Limit(10s));
    }
    rig.leases.beat(Limit(10s));
    rig.leases.try_take(kSchedulerLease, "host-1", 6s, Limit(10s));

    rig.scheduler.look_after_tasks(Limit(10s));

    CHECK(rig.now().status == TaskStatus::running);
    rig.pass(20s, true);
    CHECK(rig.now().status == TaskStatus::running);
}
