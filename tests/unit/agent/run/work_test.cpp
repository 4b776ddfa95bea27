// Tasks that do something for a database without changing what is wanted.
#include <atomic>
#include <mutex>

#include "agent/run/stored_operations.hpp"
#include "agent/store/store_watch.hpp"
#include "common/orchestrate/orchestrator.hpp"
#include "tests/unit/agent/run/engine_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

/// The rig with operations on its store, and a database on host-1 that is available.
struct Working : Rig {
    SystemClock clock;
    Secrets secrets{store, Secret(std::string(32, 'k'))};
    OperationPlanner planner{store, clock};
    StoredOperations operations{store, secrets, planner, clock};

    Working() {
        add_database("db", {"host-1"});
        Transaction available;
        auto stored = database("db");
        stored.state = DatabaseState::available;
        available.add(Databases::update(stored, stored.revision));
        available.add(Databases::set_instance_state("db-host-1", InstanceState::available, "", clock.wall()));
        REQUIRE(store.commit(available, soon()).committed);
    }
    Task begin_work(const std::string& kind = "skip", std::optional<WallTime> due = std::nullopt) {
        return operations.begin("db",
                                {.type = "skip_transaction",
                                 .kind = kind,
                                 .host_id = "host-1",
                                 .instance_id = "db-host-1",
                                 .arguments = {{"what", "it"}},
                                 .about = "it is to be skipped",
                                 .due = due},
                                soon());
    }
};

}  // namespace

TEST_CASE("work is done by its host, its log is kept, and its result is stored with its end") {
    Working rig;
    rig.works.add("skip", [&](const Json& arguments, StepContext& context) {
        context.tell("skipping " + arguments.at("what").get<std::string>());
        return std::vector<Statement>{{"UPDATE instance SET error = 'touched' WHERE id = 'db-host-1'", {}, {}}};
    });
    rig.start("host-1");
    const auto task = rig.ended(rig.begin_work().id);
    CHECK(task.status == TaskStatus::completed);
    CHECK(task.type == "skip_transaction");
    CHECK(rig.log(task.id) == "it is to be skipped\nskipping it\n");
    CHECK(Databases(rig.store).instances("db", soon())[0].error == "touched");
    CHECK(rig.database("db").state == DatabaseState::available);
}

TEST_CASE("work that fails fails its task alone, and what an agent does not know is told") {
    Working rig;
    rig.works.add("skip", [](const Json&, StepContext&) -> std::vector<Statement> {
        throw Error(ErrorKind::conflict, "it is another one", "look again");
    });
    rig.start("host-1");
    auto task = rig.ended(rig.begin_work().id);
    CHECK(task.status == TaskStatus::failed);
    CHECK(task.error == "it is another one; look again");
    CHECK(rig.database("db").state == DatabaseState::available);
    CHECK(Databases(rig.store).instances("db", soon())[0].state == InstanceState::available);
    task = rig.ended(rig.begin_work("dance").id);
    CHECK(task.error.find("does not know how to dance") != std::string::npos);
}

TEST_CASE("work for later holds nothing up, begins at its time, and can be cancelled until then") {
    Working rig;
    std::atomic<int> done = 0;
    rig.works.add("skip", [&](const Json&, StepContext&) {
        ++done;
        return std::vector<Statement>{};
    });
    rig.start("host-1");
    const auto tomorrow = rig.begin_work("skip", rig.clock.wall() + 24h);
    const auto soon_due = rig.begin_work("skip", rig.clock.wall() + 200ms);
    CHECK(tomorrow.status == TaskStatus::pending);
    CHECK(rig.ended(rig.begin_work().id).status == TaskStatus::completed);

    CHECK(rig.ended(soon_due.id).status == TaskStatus::completed);
    CHECK(done == 2);
    CHECK(rig.operations.cancel("db", tomorrow.id, soon()).status == TaskStatus::canceled);
    CHECK(rig.log(tomorrow.id) == "it is to be skipped\ntask successfully canceled\n");
    CHECK_THROWS_AS(rig.operations.cancel("db", tomorrow.id, soon()), const Error&);
}

TEST_CASE("works of several hosts go on one after the other, and end with the first that fails") {
    Working rig;
    std::mutex mutex;
    std::string done;
    rig.works.add("skip", [&](const Json& arguments, StepContext&) {
        const std::string what = arguments.at("what");
        const std::lock_guard lock(mutex);
        done += what + " ";
        if (what == "bad") throw Error(ErrorKind::conflict, "it is bad");
        return std::vector<Statement>{};
    });
    rig.start("host-1");
    rig.start("host-2");
    const auto begin = [&](const std::vector<std::string>& words) {
        DatabaseWork work{.type = "skips", .kind = "skip", .host_id = "host-1", .arguments = {{"what", "first"}}};
        for (std::size_t i = 0; i < words.size(); ++i)
            work.then.push_back({"skip", i % 2 == 0 ? "host-2" : "host-1", {{"what", words[i]}}});
        work.with = {{"UPDATE instance SET error = 'begun' WHERE id = 'db-host-1'", {}, {}}};
        return rig.ended(rig.operations.begin("db", work, soon()).id);
    };
    CHECK(begin({"second", "third", "fourth"}).status == TaskStatus::completed);
    CHECK(done == "first second third fourth ");
    CHECK(Databases(rig.store).instances("db", soon())[0].error == "begun");
    done.clear();
    const auto failed = begin({"bad", "third"});
    CHECK(failed.status == TaskStatus::failed);
    CHECK(failed.error == "it is bad");
    CHECK(done == "first bad ");
}

TEST_CASE("work whose time nobody met in a minute has failed") {
    Working rig;
    const auto missed = rig.begin_work("skip", rig.clock.wall() - 61s);
    rig.start("host-1");
    const auto task = rig.ended(missed.id);
    CHECK(task.status == TaskStatus::failed);
    CHECK(task.error.find("its time has passed") != std::string::npos);
}

TEST_CASE("there is one operation at a time, and none for a database that there is not") {
    Working rig;
    rig.begin_work();
    CHECK_THROWS_WITH_AS(rig.begin_work(), doctest::Contains("already in progress"), const Error&);
    CHECK_THROWS_AS(rig.operations.begin("nothing", {}, soon()), const Error&);
}

TEST_CASE("work of an agent that dies is begun again by the next one") {
    std::atomic<int> begun = 0;
    Working rig;
    rig.works.add("skip", [&](const Json&, StepContext& context) {
        if (++begun == 1) context.limit.pause(1min);
        return std::vector<Statement>();
    });
    rig.start("host-1");
    const auto task = rig.begin_work();
    rig.wait_until("it began", [&] { return begun == 1; });
    rig.start("host-1");
    CHECK(rig.ended(task.id).status == TaskStatus::completed);
    CHECK(begun == 2);
}

TEST_CASE("work belongs to a host or to the cluster as well, one operation at a time for each owner") {
    std::atomic<bool> go = false;
    Working rig;
    rig.works.add("sync", [&](const Json&, StepContext& context) {
        CHECK(context.database_id.empty());
        while (!go && context.limit.pause(2ms)) continue;
        return std::vector<Statement>();
    });
    rig.start("host-1");
    const auto begin = [&](const Owner& owner) {
        Task task;
        task.id = new_uuid();
        task.scope = owner.scope;
        task.entity_id = owner.id;
        task.type = "sync";
        Transaction transaction;
        transaction.add(Tasks::insert(task, TaskStage::apply, Json::object()));
        transaction.add(
            Tasks::insert_step({.task_id = task.id, .id = "sync", .host_id = "host-1", .work = {"sync", "it"}}));
        return rig.store.commit(transaction, soon()).committed ? task.id : std::string();
    };
    const auto of_host = begin({"host", "host-1"}), of_cluster = begin({"cluster", "cluster"});
    CHECK_FALSE(of_host.empty());
    CHECK_FALSE(of_cluster.empty());
    CHECK(begin({"host", "host-1"}).empty());
    CHECK(Tasks(rig.store).open_of({"host", "host-1"}, soon())->id == of_host);
    go = true;
    for (const auto& id : {of_host, of_cluster}) CHECK(rig.ended(id).status == TaskStatus::completed);
    CHECK_FALSE(begin({"host", "host-1"}).empty());
    CHECK(rig.database("db").state == DatabaseState::available);
}

TEST_CASE("works of one name run one after the other, of other names at the same time") {
    std::atomic<int> same = 0, most_same = 0;
    std::atomic<int> all = 0, most = 0;
    Working rig;
    rig.works.add("count", [&](const Json& arguments, StepContext& context) {
        const bool one = arguments.at("name") == "x";
        most_same = std::max<int>(most_same, same += one ? 1 : 0);
        most = std::max<int>(most, ++all);
        const Limit at_most = context.limit.no_longer_than(2s);
        while (most < 2 && at_most.pause(2ms)) continue;
        --all;
        if (one) --same;
        return std::vector<Statement>();
    });
    rig.start("host-1");
    Task task;
    task.id = new_uuid();
    task.scope = "host";
    task.entity_id = "host-1";
    Transaction transaction;
    transaction.add(Tasks::insert(task, TaskStage::apply, Json::object()));
    for (const auto* name : {"x", "y"})
        for (int i = 0; i < 3; ++i)
            transaction.add(Tasks::insert_step({.task_id = task.id,
                                                .id = name + std::to_string(i),
                                                .host_id = "host-1",
                                                .work = {"count", name, {{"name", name}}}}));
    REQUIRE(rig.store.commit(transaction, soon()).committed);
    CHECK(rig.ended(task.id).status == TaskStatus::completed);
    CHECK(most_same == 1);
    CHECK(most == 2);
}

TEST_CASE("a short step begins while all slots for lengthy ones are taken") {
    std::atomic<bool> go = false;
    std::atomic<std::size_t> lengthy = 0;
    Working rig;
    rig.works.add(
        "wait",
        [&](const Json&, StepContext& context) {
            ++lengthy;
            while (!go && context.limit.pause(2ms)) continue;
            return std::vector<Statement>();
        },
        true);
    rig.works.add("skip", [](const Json&, StepContext&) { return std::vector<Statement>(); });
    rig.start("host-1");
    Task waits;
    waits.id = new_uuid();
    waits.scope = "host";
    waits.entity_id = "host-1";
    Transaction transaction;
    transaction.add(Tasks::insert(waits, TaskStage::apply, Json::object()));
    for (std::size_t i = 0; i < 2 * kMaxLengthyAtOnce; ++i)
        transaction.add(
            Tasks::insert_step({.task_id = waits.id, .id = std::to_string(i), .host_id = "host-1", .work = {"wait"}}));
    REQUIRE(rig.store.commit(transaction, soon()).committed);
    rig.wait_until("all slots are taken", [&] { return lengthy == kMaxLengthyAtOnce; });

    CHECK(rig.ended(rig.begin_work().id).status == TaskStatus::completed);
    CHECK(lengthy == kMaxLengthyAtOnce);
    CHECK(rig.task(waits.id).status == TaskStatus::running);

    go = true;
    CHECK(rig.ended(waits.id).status == TaskStatus::completed);
    CHECK(lengthy == 2 * kMaxLengthyAtOnce);
}

TEST_CASE("progress is stored apart from the log, tells who watches that task alone, and goes with the step") {
    std::atomic<bool> go = false;
    Working rig;
    rig.works.add("skip", [&](const Json&, StepContext& context) {
        for (std::int64_t done = 1; !go && context.limit.pause(1ms); ++done)
            context.progress({done, 1 << 20, "rows", "copying"});
        return std::vector<Statement>();
    });
    rig.start("host-1");
    const auto task = rig.begin_work();
    rig.wait_until("it is told", [&] { return !Tasks(rig.store).progress(task.id, soon()).running.empty(); });
    const auto seen = Tasks(rig.store).progress(task.id, soon());
    CHECK(seen.steps == 1);
    CHECK(seen.steps_done == 0);
    CHECK(seen.running[0].host_id == "host-1");
    CHECK(seen.running[0].progress.total == 1 << 20);
    CHECK(seen.running[0].progress.unit == "rows");
    StoreWatch of_task(rig.store, {"progress"}), of_another(rig.store, {"progress"});
    REQUIRE(of_task.wait_for(task.id, soon()));
    REQUIRE(of_another.wait_for("another", soon()));
    CHECK(of_task.wait_for(task.id, soon()));
    CHECK_FALSE(of_another.wait_for("another", Limit(1ms)));
    go = true;
    CHECK(rig.ended(task.id).status == TaskStatus::completed);
    CHECK(Tasks(rig.store).progress(task.id, soon()).running.empty());
    CHECK(rig.store.read({"SELECT count(*) FROM progress", {}, {}}, Freshness::leader, soon())[0].integer(0) == 0);
    CHECK(rig.log(task.id) == "it is to be skipped\n");
}
