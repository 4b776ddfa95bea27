#include "tests/unit/agent/ha/ha_rig.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

struct Asked : HaRig {
    HaRequest request;
    Asked() {
        add_shop();
        request = add_request();
    }
    WallTime now() const { return clock.wall(); }
    HaRequest::State state() { return node().request->state; }
};

}  // namespace

TEST_CASE("a request waits in its node, with a task that is open") {
    Asked rig;
    REQUIRE(rig.node().request);
    const auto stored = *rig.node().request;
    CHECK(stored.task_id == rig.request.task_id);
    CHECK(stored.state == HaRequest::State::waiting);
    CHECK(stored.candidate == "b");
    CHECK_FALSE(stored.failover);
    CHECK_FALSE(stored.forced);
    CHECK_FALSE(stored.due);
    CHECK(stored.term == 0);
    CHECK(stored.is_due(rig.now()));
    CHECK(rig.task(rig.request.task_id).status == TaskStatus::pending);
}

TEST_CASE("the time, and whether it is a forced failover, are kept") {
    HaRig rig;
    rig.add_shop();
    Task task;
    task.id = new_uuid();
    task.scope = "database";
    task.entity_id = task.database_id = "shop";
    task.node_name = "n1";
    HaRequest request;
    request.task_id = task.id;
    request.failover = request.forced = true;
    request.due = rig.clock.wall() + 60s;
    REQUIRE(rig.run(HaRequests::insert(task, request)));
    const auto stored = *rig.node().request;
    CHECK(stored.failover);
    CHECK(stored.forced);
    CHECK(stored.candidate.empty());
    CHECK(stored.due == request.due);
    CHECK_FALSE(stored.is_due(rig.clock.wall() + 59s));
    CHECK(stored.is_due(rig.clock.wall() + 60s));
}

TEST_CASE("a node has one request at a time, and the second one leaves no task behind") {
    Asked rig;
    Task task;
    task.id = new_uuid();
    task.scope = "database";
    task.entity_id = task.database_id = "shop";
    task.node_name = "n1";
    HaRequest another;
    another.task_id = task.id;
    CHECK_FALSE(rig.run(HaRequests::insert(task, another)));
    CHECK_FALSE(Tasks(rig.store).find(task.id, soon()));
    CHECK(rig.node().request->task_id == rig.request.task_id);
    REQUIRE(rig.run(HaRequests::end(rig.request.task_id, TaskStatus::completed, "done", rig.now())));
    CHECK(rig.run(HaRequests::insert(task, another)));
}

TEST_CASE("a request goes from waiting to begun to given, each once and in this order") {
    Asked rig;
    auto& request = rig.request;
    CHECK_FALSE(rig.run(HaRequests::give(request)));
    request.candidate = "c";
    REQUIRE(rig.run(HaRequests::begin(request, "a hands over to c", rig.now())));
    CHECK(rig.state() == HaRequest::State::begun);
    CHECK(rig.node().request->candidate == "c");
    CHECK(rig.task(request.task_id).status == TaskStatus::running);
    CHECK_FALSE(rig.run(HaRequests::begin(request, "again", rig.now())));

    request.term = 3;
    request.end = parse_lsn("0/5000028");
    REQUIRE(rig.run(HaRequests::give(request)));
    CHECK(rig.state() == HaRequest::State::given);
    CHECK(rig.node().request->term == 3);
    CHECK(rig.node().request->end == parse_lsn("0/5000028"));
    CHECK_FALSE(rig.run(HaRequests::give(request)));
    CHECK_FALSE(rig.run(HaRequests::begin(request, "again", rig.now())));

    REQUIRE(rig.run(HaRequests::end(request.task_id, TaskStatus::completed, "c is the primary", rig.now())));
    CHECK_FALSE(rig.node().request);
    CHECK(rig.task(request.task_id).status == TaskStatus::completed);
    CHECK(rig.task(request.task_id).error.empty());
    CHECK(rig.log(request.task_id) == std::vector<std::string>{"a hands over to c", "c is the primary"});
    CHECK_FALSE(rig.run(HaRequests::end(request.task_id, TaskStatus::failed, "late", rig.now())));
    CHECK(rig.log(request.task_id).size() == 2);
}

TEST_CASE("a request that fails leaves the reason in its task") {
    Asked rig;
    REQUIRE(rig.run(HaRequests::end(rig.request.task_id, TaskStatus::failed, "no instance can take over", rig.now())));
    CHECK(rig.task(rig.request.task_id).status == TaskStatus::failed);
    CHECK(rig.task(rig.request.task_id).error == "no instance can take over");
    CHECK(rig.task(rig.request.task_id).completed_at == rig.now());
    CHECK(rig.log(rig.request.task_id) == std::vector<std::string>{"no instance can take over"});
}

TEST_CASE("a request can be cancelled while it waits, and not later") {
    Asked rig;
    const auto id = rig.request.task_id;
    REQUIRE(rig.run(HaRequests::cancel(id, rig.now())));
    CHECK_FALSE(rig.node().request);
    CHECK(rig.task(id).status == TaskStatus::canceled);
    CHECK_FALSE(rig.run(HaRequests::cancel(id, rig.now())));
    CHECK_FALSE(rig.run(HaRequests::begin(rig.request, "too late", rig.now())));
    CHECK(rig.log(id) == std::vector<std::string>{"task successfully canceled"});

    const auto next = rig.add_request();
    REQUIRE(rig.run(HaRequests::begin(next, "begun", rig.now())));
    CHECK_FALSE(rig.run(HaRequests::cancel(next.task_id, rig.now())));
    CHECK(rig.task(next.task_id).status == TaskStatus::running);
    CHECK(rig.state() == HaRequest::State::begun);
}
