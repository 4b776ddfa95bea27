// Tasks that do something for a database without changing what is wanted.
#include <atomic>

#include "agent/run/stored_operations.hpp"
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
    Task begin_work(const std::string& kind = "skip") {
        return operations.begin("db",
                                {.type = "skip_transaction",
                                 .kind = kind,
                                 .host_id = "host-1",
                                 .arguments = {{"what", "it"}},
                                 .about = "it is to be skipped"},
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

TEST_CASE("there is one operation at a time, and none for a database that there is not") {
    Working rig;
    rig.begin_work();
    CHECK_THROWS_WITH_AS(rig.begin_work(), doctest::Contains("already in progress"), const Error&);
    CHECK_THROWS_AS(rig.operations.begin("nothing", {}, soon()), const Error&);
}

TEST_CASE("work of an agent that dies is begun again by the next one") {
    Working rig;
    std::atomic<int> begun = 0;
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
