#include <atomic>

#include "tests/unit/agent/run/engine_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

/// Two resources on each of three hosts, and one that needs them all.
std::vector<Resource> three_hosts() {
    std::vector<Resource> all;
    std::vector<std::string> servers;
    for (const std::string host : {"host-1", "host-2", "host-3"}) {
        all.push_back(Rig::resource("dir-" + host, host, {}, "db-" + host));
        all.push_back(Rig::resource("server-" + host, host, {"dir-" + host}, "db-" + host));
        servers.push_back("server-" + host);
    }
    all.push_back(Rig::resource("mesh", "host-1", servers));
    return all;
}

void start_three(Rig& rig) {
    rig.add_database("db", {"host-1", "host-2", "host-3"});
    for (const auto* host : {"host-1", "host-2", "host-3"}) rig.start(host);
}

}  // namespace

TEST_CASE("hosts carry out their steps of a plan, each when what it needs is there") {
    Rig rig;
    start_three(rig);

    const auto task = rig.ended(rig.begin("db", three_hosts()));

    CHECK(task.status == TaskStatus::completed);
    CHECK(task.error.empty());
    CHECK(task.completed_at);
    CHECK(rig.world.names().size() == 7);
    CHECK(rig.world.calls().size() == 7);
    CHECK(rig.world.place_of("apply mesh") == 6);
    for (const std::string host : {"host-1", "host-2", "host-3"})
        CHECK(rig.world.place_of("apply dir-" + host) < rig.world.place_of("apply server-" + host));
    CHECK(rig.database("db").state == DatabaseState::available);
    for (const auto& instance : Databases(rig.store).instances("db", soon()))
        CHECK(instance.state == InstanceState::available);
    for (const auto& [id, known] : Databases(rig.store).resources("db", soon())) CHECK(known.error.empty());
}

TEST_CASE("the task's log tells what was done, in the control plane's words") {
    Rig rig;
    rig.add_database("db", {"host-1"});
    rig.start("host-1");
    rig.world.before = [](const std::string&, const Resource& resource, StepContext& context) {
        if (resource.id.name == "b") context.tell("initdb says hello");
    };

    const auto id = rig.begin("db", {Rig::resource("a", "host-1"), Rig::resource("b", "host-1", {"a"})});
    rig.ended(id);

    CHECK(rig.log(id) ==
          "creating resource fake::a\n"
          "finished creating resource fake::a (took D)\n"
          "creating resource fake::b\n"
          "initdb says hello\n"
          "finished creating resource fake::b (took D)\n");
    const auto entries = Tasks(rig.store).log(id, "", {}, soon());
    CHECK(entries[0].fields == Json{{"resource_type", "fake"}, {"resource_id", "a"}, {"host_id", "host-1"}});
    CHECK(entries[1].fields.at("success") == true);
    CHECK(entries[1].fields.at("duration_ms").is_number_integer());
    CHECK(entries[1].fields.at("resource_id") == "a");
}

TEST_CASE("lines of a step that takes long can be read before it ends") {
    std::atomic<bool> go{false};
    Rig rig;
    rig.add_database("db", {"host-1"});
    rig.world.before = [&](const std::string&, const Resource&, StepContext& context) {
        context.tell("half way");
        while (!go && context.limit.pause(2ms)) continue;
    };
    rig.start("host-1");

    const auto id = rig.begin("db", {Rig::resource("a", "host-1")});
    rig.wait_until("the line is in the log", [&] { return holds_a_text(rig.log(id), "half way"); });
    CHECK(rig.task(id).status == TaskStatus::running);
    go = true;
    rig.ended(id);

    CHECK(rig.log(id) == "creating resource fake::a\nhalf way\nfinished creating resource fake::a (took D)\n");
}

TEST_CASE("steps that do not need each other run at the same time, at most sixteen on a host") {
    std::atomic<int> running{0}, most{0};
    Rig rig;
    rig.add_database("db", {"host-1"});
    rig.world.before = [&](const std::string&, const Resource&, StepContext& context) {
        const int now = ++running;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
        const auto until = std::chrono::steady_clock::now() + 10s;
        while (most < 16 && std::chrono::steady_clock::now() < until && context.limit.pause(1ms)) continue;
        --running;
    };
    rig.start("host-1");
    std::vector<Resource> wanted;
    for (int i = 0; i < 40; ++i) wanted.push_back(Rig::resource("r" + std::to_string(i), "host-1"));

    CHECK(rig.ended(rig.begin("db", wanted)).status == TaskStatus::completed);

    CHECK(most == 16);
    CHECK(rig.world.calls().size() == 40);
}

TEST_CASE("two databases are worked on at the same time, and a second operation on one is refused") {
    std::atomic<bool> other_ended{false};
    Rig rig;
    rig.add_database("db", {"host-1"});
    rig.add_database("other", {"host-1"});
    rig.world.before = [&](const std::string&, const Resource& resource, StepContext& context) {
        while (resource.id.name == "a" && !other_ended && context.limit.pause(2ms)) continue;
    };
    rig.start("host-1");

    const auto first = rig.begin("db", {Rig::resource("a", "host-1")});
    Task second;
    second.id = new_uuid();
    second.scope = "database";
    second.entity_id = second.database_id = "db";
    Transaction transaction;
    transaction.add(Tasks::insert(second, TaskStage::apply, Json::object()));
    CHECK_FALSE(rig.store.commit(transaction, soon()).committed);
    CHECK(rig.ended(rig.begin("other", {Rig::resource("b", "host-1")})).status == TaskStatus::completed);
    other_ended = true;

    CHECK(rig.ended(first).status == TaskStatus::completed);
}

TEST_CASE("a failed step fails task, database and instance, and a retry goes on where it stopped") {
    std::atomic<bool> broken{true};
    Rig rig;
    start_three(rig);
    rig.world.before = [&](const std::string& call, const Resource&, StepContext&) {
        if (broken && call == "apply server-host-2")
            throw Error(ErrorKind::failed, "port 5432 is taken", "choose another");
    };

    const auto id = rig.begin("db", three_hosts());
    const auto failed = rig.ended(id);

    const std::string story =
        "port 5432 is taken; choose another, while creating resource fake::server-host-2 of db-host-2 on host-2";
    CHECK(failed.status == TaskStatus::failed);
    CHECK(failed.error == story);
    CHECK(rig.database("db").state == DatabaseState::failed);
    CHECK(rig.database("db").error == story);
    CHECK(rig.database("db").last_task_id == id);
    CHECK(holds_a_text(rig.log(id), "error while creating resource fake::server-host-2\n"));
    CHECK_FALSE(rig.world.has("mesh"));
    for (const auto& instance : Databases(rig.store).instances("db", soon()))
        if (instance.host_id == "host-2") {
            CHECK(instance.state == InstanceState::failed);
            CHECK(instance.error == story);
        }

    broken = false;
    const auto done = rig.world.names();
    rig.world.forget_calls();
    const auto retried = rig.ended(rig.begin("db", three_hosts(), "update"));
    CHECK(retried.status == TaskStatus::completed);
    CHECK(rig.world.names().size() == 7);
    for (const auto& name : done) CHECK_MESSAGE(rig.world.place_of("apply " + name) == -1, name);
    CHECK(rig.database("db").state == DatabaseState::available);
    CHECK(rig.database("db").error.empty());
}

TEST_CASE("transient errors are met with more tries, with a line for each") {
    std::atomic<int> tries{0};
    Rig rig;
    rig.add_database("db", {"host-1"});
    rig.world.before = [&](const std::string&, const Resource&, StepContext&) {
        if (++tries < 3) throw Error(ErrorKind::unreachable, "connection refused");
    };
    rig.start("host-1");

    const auto id = rig.begin("db", {Rig::resource("a", "host-1")});

    CHECK(rig.ended(id).status == TaskStatus::completed);
    CHECK(tries == 3);
    CHECK(holds_a_text(rig.log(id), "resource fake::a is not ready: trying again in "));
    CHECK(holds_a_text(rig.log(id), "(attempt 3 of 6)"));
    CHECK(Tasks(rig.store).log(id, "", {}, soon())[1].fields.at("error") == "connection refused");
}

TEST_CASE("tries come to an end") {
    std::atomic<int> tries{0};
    Rig rig;
    rig.add_database("db", {"host-1"});
    rig.world.before = [&](const std::string&, const Resource&, StepContext&) {
        ++tries;
        throw Error(ErrorKind::timed_out, "no answer");
    };
    rig.start("host-1");

    const auto task = rig.ended(rig.begin("db", {Rig::resource("a", "host-1")}));

    CHECK(task.status == TaskStatus::failed);
    CHECK(task.error == "no answer, while creating resource fake::a on host-1");
    CHECK(tries == 6);
}

TEST_CASE("a mistake of our own fails the step and not the agent") {
    Rig rig;
    rig.add_database("db", {"host-1"});
    rig.world.before = [](const std::string& call, const Resource&, StepContext&) {
        if (call == "apply a") throw std::out_of_range("map::at");
    };
    rig.start("host-1");

    const auto task = rig.ended(rig.begin("db", {Rig::resource("a", "host-1")}));

    CHECK(task.status == TaskStatus::failed);
    CHECK(holds_a_text(task.error, "internal error"));
    CHECK(rig.ended(rig.begin("db", {Rig::resource("b", "host-1")}, "update")).status == TaskStatus::completed);
}

TEST_CASE("a kind that the agent does not know is an error with advice") {
    Rig rig;
    rig.add_database("db", {"host-1"});
    rig.start("host-1");
    auto strange = Rig::resource("a", "host-1");
    strange.id.kind = "strange";
    const auto task = rig.ended(rig.begin("db", {strange}));
    CHECK(task.error ==
          "the agent of host-1 does not know resources of kind strange; all agents of a cluster need the same version, "
          "while creating resource strange::a on host-1");
}

TEST_CASE("a step reads secrets, and a missing one is an error") {
    std::atomic<bool> right{false};
    Rig rig;
    rig.add_database("db", {"host-1"});
    rig.start("host-1");
    const auto& secrets = rig.agents.at("host-1")->secrets;
    const Secret text("correct horse");
    const auto ref = secrets.ref_of("database/db/users/app/password", text);
    Transaction transaction;
    transaction.add(secrets.put(ref.name, "db", text));
    REQUIRE(rig.store.commit(transaction, soon()).committed);
    rig.world.before = [&](const std::string&, const Resource& resource, StepContext& context) {
        if (resource.id.name == "a")
            right = context.secret(ref) == text;
        else
            context.secret({"database/db/nothing", ref.fingerprint});
    };

    const auto task = rig.ended(rig.begin("db", {Rig::resource("a", "host-1"), Rig::resource("b", "host-1", {"a"})}));

    CHECK(right);
    CHECK(task.status == TaskStatus::failed);
}

TEST_CASE("what one step says is limited") {
    Rig rig;
    rig.add_database("db", {"host-1"});
    rig.world.before = [](const std::string&, const Resource&, StepContext& context) {
        for (int i = 0; i < 1000; ++i) context.tell(i == 0 ? std::string(100'000, 'x') : "line");
    };
    rig.start("host-1");

    const auto id = rig.begin("db", {Rig::resource("a", "host-1")});
    CHECK(rig.ended(id).status == TaskStatus::completed);

    const auto entries = Tasks(rig.store).log(id, "", {}, soon());
    CHECK(entries.size() == kMaxLogLinesPerStep + 1);
    CHECK(entries[1].message.size() <= kMaxLogMessage + 4);
    CHECK(entries.back().message == "further lines of this step are left out");
}

TEST_CASE("a delete removes what is there and then the database") {
    Rig rig;
    start_three(rig);
    REQUIRE(rig.ended(rig.begin("db", three_hosts())).status == TaskStatus::completed);

    const auto id = rig.begin("db", {}, "delete");

    CHECK(rig.ended(id).status == TaskStatus::completed);
    CHECK(rig.world.names().empty());
    CHECK_FALSE(Databases(rig.store).find("db", soon()));
    CHECK(Databases(rig.store).all_instances(soon()).empty());
    CHECK(holds_a_text(rig.log(id), "deleting resource fake::mesh\nfinished deleting resource fake::mesh (took D)\n"));
}
