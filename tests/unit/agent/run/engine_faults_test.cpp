#include <atomic>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "common/base/file.hpp"
#include "tests/unit/agent/run/engine_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> kHosts{"host-1", "host-2"};

/// Chains on two hosts that wait for each other.
std::vector<Resource> two_chains() {
    return {Rig::resource("a1", "host-1", {}, "db-host-1"), Rig::resource("a2", "host-2", {}, "db-host-2"),
            Rig::resource("b1", "host-1", {"a1", "a2"}, "db-host-1"),
            Rig::resource("b2", "host-2", {"a2"}, "db-host-2"),
            Rig::resource("c1", "host-1", {"b1", "b2"}, "db-host-1")};
}

void check_all_done(Rig& rig, const Task& task) {
    CHECK(task.status == TaskStatus::completed);
    CHECK(rig.world.names() == std::vector<std::string>{"a1", "a2", "b1", "b2", "c1"});
    CHECK(rig.database("db").state == DatabaseState::available);
    for (const auto& [id, known] : Databases(rig.store).resources("db", soon())) CHECK(known.error.empty());
    for (const auto& step : Tasks(rig.store).steps(task.id, soon())) CHECK(step.status == StepStatus::done);
}

}  // namespace

TEST_CASE("an agent that dies at any commit, heard or not, is continued by its next start") {
    for (const auto where : {MortalStore::Cut::before, MortalStore::Cut::after}) {
        bool was_cut = true;
        for (int commit = 0; was_cut; ++commit) {
            CAPTURE(commit);
            Rig rig;
            rig.add_database("db", kHosts);
            for (const auto& host : kHosts) rig.start(host);
            rig.agents.at("host-1")->store.cut_at(commit, where);

            const auto id = rig.begin("db", two_chains());
            rig.wait_until("the end, or the agent is cut off",
                           [&] { return rig.agents.at("host-1")->store.is_cut() || is_final(rig.task(id).status); });
            was_cut = rig.agents.at("host-1")->store.is_cut();
            if (was_cut) rig.start("host-1");

            check_all_done(rig, rig.ended(id));
            REQUIRE(commit < 50);
        }
    }
}

TEST_CASE("an agent that dies while a step runs is continued by its next start") {
    for (const std::string victim : {"a1", "b1", "c1", "a2", "b2"}) {
        CAPTURE(victim);
        std::atomic<bool> reached{false}, half_made{false};
        Rig rig;
        rig.add_database("db", kHosts);
        rig.world.before = [&](const std::string& call, const Resource&, StepContext& context) {
            if (call != "apply " + victim || half_made.exchange(true)) return;
            reached = true;
            context.limit.pause(1min);
            throw Error(ErrorKind::cancelled, "killed");
        };
        for (const auto& host : kHosts) rig.start(host);
        const std::string host = victim.ends_with('1') ? "host-1" : "host-2";

        const auto id = rig.begin("db", two_chains());
        rig.wait_until("the step runs", [&] { return reached.load(); });
        rig.kill(host);
        CHECK(rig.task(id).status == TaskStatus::running);
        rig.start(host);

        check_all_done(rig, rig.ended(id));
    }
}

TEST_CASE("all agents may die and come back") {
    std::atomic<int> begun{0};
    Rig rig;
    rig.add_database("db", kHosts);
    rig.world.before = [&](const std::string&, const Resource&, StepContext& context) {
        if (++begun <= 2) context.limit.pause(1min), throw Error(ErrorKind::cancelled, "killed");
    };
    for (const auto& host : kHosts) rig.start(host);
    const auto id = rig.begin("db", two_chains());
    rig.wait_until("two steps run", [&] { return begun == 2; });

    for (const auto& host : kHosts) rig.kill(host);
    for (const auto& host : kHosts) rig.start(host);

    check_all_done(rig, rig.ended(id));
}

TEST_CASE("a resource that vanished is found by the look and made again, with what needs it") {
    Rig rig;
    rig.add_database("db", kHosts);
    for (const auto& host : kHosts) rig.start(host);
    REQUIRE(rig.ended(rig.begin("db", two_chains())).status == TaskStatus::completed);
    rig.world.remove("b2");

    const auto id = rig.begin("db", two_chains(), "update", {.look_at_hosts = kHosts, .port_checks = {}});

    check_all_done(rig, rig.ended(id));
    const auto log = rig.log(id);
    CHECK(holds_a_text(log, "resource fake::b2 was not found\n"));
    CHECK(holds_a_text(log, "finished refreshing current state (took D)\n"));
    CHECK(holds_a_text(log, "the plan was made again from what was found\n"));
    CHECK(holds_a_text(log, "finished creating resource fake::b2 (took D)\n"));
    CHECK_FALSE(holds_a_text(log, "fake::a1"));
}

TEST_CASE("a look that finds all in place, for a spec that did not change, says that there is nothing to do") {
    Rig rig;
    rig.add_database("db", kHosts);
    for (const auto& host : kHosts) rig.start(host);
    REQUIRE(rig.ended(rig.begin("db", two_chains())).status == TaskStatus::completed);

    const auto id = rig.begin("db", two_chains(), "update", {.look_at_hosts = kHosts, .port_checks = {}});

    check_all_done(rig, rig.ended(id));
    CHECK(rig.log(id) == "finished refreshing current state (took D)\nnothing to do: the database is as wanted\n");
}

TEST_CASE("when the scheduler dies, another agent makes the plan again") {
    Rig rig;
    rig.add_database("db", kHosts);
    rig.start("host-1");
    rig.wait_until("host-1 is scheduler", [&] { return rig.agents.at("host-1")->leases.holds(kSchedulerLease); });
    rig.start("host-2");
    REQUIRE(rig.ended(rig.begin("db", two_chains())).status == TaskStatus::completed);
    rig.world.remove("b2");
    rig.kill("host-1");

    const auto id = rig.begin("db", two_chains(), "update", {.look_at_hosts = {"host-2"}, .port_checks = {}});
    rig.wait_until("the new plan is under way", [&] { return rig.world.has("b2"); });
    rig.wait_until("host-2 is scheduler", [&] { return rig.agents.at("host-2")->leases.holds(kSchedulerLease); });
    rig.start("host-1");

    check_all_done(rig, rig.ended(id));
}

TEST_CASE("a scheduler that stops does not let the others wait for the end of its lease") {
    Rig rig;
    rig.options.scheduler_hold = 10min;
    rig.start("host-1");
    rig.wait_until("host-1 is scheduler", [&] { return rig.agents.at("host-1")->leases.holds(kSchedulerLease); });
    rig.start("host-2");

    rig.stop("host-1");

    rig.wait_until("host-2 is scheduler", [&] { return rig.agents.at("host-2")->leases.holds(kSchedulerLease); });
    CHECK(rig.agents.at("host-2")->leases.seen(kSchedulerLease)->host == "host-2");
}

TEST_CASE("a cancel stops what runs and begins nothing more, and a retry completes") {
    std::atomic<int> begun{0};
    std::atomic<bool> hang{true};
    Rig rig;
    rig.add_database("db", kHosts);
    rig.world.before = [&](const std::string&, const Resource&, StepContext& context) {
        if (!hang) return;
        ++begun;
        context.limit.pause(1min);
        context.limit.check("waiting for nothing");
    };
    for (const auto& host : kHosts) rig.start(host);
    const auto id = rig.begin("db", two_chains());
    rig.wait_until("two steps run", [&] { return begun == 2; });

    rig.cancel(id);

    CHECK(rig.ended(id).status == TaskStatus::canceled);
    CHECK(rig.task(id).error.empty());
    CHECK(rig.database("db").state == DatabaseState::failed);
    CHECK(begun == 2);
    CHECK(rig.log(id).ends_with("task successfully canceled\n"));
    hang = false;
    check_all_done(rig, rig.ended(rig.begin("db", two_chains(), "update")));
}

TEST_CASE("a cancel of a step whose agent died ends when the agent is back") {
    std::atomic<bool> reached{false};
    Rig rig;
    rig.add_database("db", kHosts);
    rig.world.before = [&](const std::string& call, const Resource&, StepContext& context) {
        if (call != "apply a1") return;
        reached = true;
        context.limit.pause(1min);
        context.limit.check("waiting");
    };
    for (const auto& host : kHosts) rig.start(host);
    const auto id = rig.begin("db", two_chains());
    rig.wait_until("the step runs", [&] { return reached.load(); });
    rig.kill("host-1");

    rig.cancel(id);
    rig.start("host-1");

    CHECK(rig.ended(id).status == TaskStatus::canceled);
}

TEST_CASE("a host that does not answer fails the task with its name, and a retry completes when it is back") {
    Rig rig;
    rig.options.silent_after = 5s;
    rig.add_database("db", kHosts);
    rig.start("host-1");

    const auto id = rig.begin("db", two_chains());
    const auto task = rig.ended(id);

    CHECK(task.status == TaskStatus::failed);
    CHECK(
        task.error.starts_with("host host-2 has not been heard from for 5s, while creating resource fake::a2; start "));
    CHECK(rig.database("db").error == task.error);
    CHECK(holds_a_text(rig.log(id), task.error + "\n"));
    rig.start("host-2");
    check_all_done(rig, rig.ended(rig.begin("db", two_chains(), "update")));
}

TEST_CASE("a step that is given up is stopped, and its resource is not touched twice at once") {
    std::atomic<int> at_once{0}, most{0}, calls{0};
    Rig rig;
    rig.add_database("db", {"host-1"});
    rig.world.before = [&](const std::string&, const Resource&, StepContext& context) {
        const bool first = ++calls == 1;
        most = std::max(most.load(), ++at_once);
        if (first) {
            context.limit.pause(1min);  // until it is stopped …
            Limit(300ms).pause(300ms);  // … and then it takes a while to notice
        }
        --at_once;
        context.limit.check("working");
    };
    rig.start("host-1");
    const auto id = rig.begin("db", {Rig::resource("a", "host-1")});
    rig.wait_until("the step runs", [&] { return calls == 1; });
    Transaction transaction;
    const auto now = SystemClock().wall();
    const auto step = Tasks(rig.store).steps(id, soon()).at(0).id;
    transaction.add(StepQueue::give_up(id, step, "given up", now)).add(StepQueue::settle(id, now));
    REQUIRE(rig.store.commit(transaction, soon()).committed);
    CHECK(rig.ended(id).error == "given up");

    const auto retry = rig.ended(rig.begin("db", {Rig::resource("a", "host-1")}, "update"));

    CHECK(retry.status == TaskStatus::completed);
    CHECK(calls == 2);
    CHECK(most == 1);
}

TEST_CASE("a port that is taken fails the task before anything is made") {
    Rig rig;
    rig.add_database("db", {"host-1"});
    rig.start("host-1");
    const Fd taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    REQUIRE(inet_pton(AF_INET, "127.15.0.1", &address.sin_addr) == 1);
    REQUIRE(bind(taken.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(taken.get(), 1) == 0);
    socklen_t size = sizeof address;
    REQUIRE(getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const int port = ntohs(address.sin_port);

    const auto begin = [&](const std::string& where, const std::string& type) {
        const Preliminaries before{{}, {{"host-1", {{"n1", where, port, "db-host-1"}}}}};
        return rig.ended(rig.begin("db", {Rig::resource("a", "host-1")}, type, before));
    };
    const auto task = begin("127.15.0.1", "create");

    CHECK(task.status == TaskStatus::failed);
    CHECK(task.error == "validation error for node n1, host host-1: port " + std::to_string(port) +
                            " of 127.15.0.1 cannot be bound: Address already in use (errno 98)");
    CHECK(rig.world.calls().empty());
    CHECK(begin("127.15.0.2", "update").status == TaskStatus::completed);

    // What an earlier instance of the same id left is stopped by the first of its steps.
    rig.keeps_server = [&](const std::string& instance, int on) { return instance == "db-host-1" && on == port; };
    rig.start("host-1");
    CHECK(begin("127.15.0.1", "update").status == TaskStatus::completed);
}

TEST_CASE("a step that cannot be read fails with its name, and no other") {
    for (const std::string damage : {"resource = '{'", "body = '[]'", "wait_for = '{}'",
                                     "body = '{\"action\": \"dance\"}'", "resource = '{\"kind\": 7}'"}) {
        CAPTURE(damage);
        Rig rig;
        rig.add_database("damaged", kHosts);
        rig.add_database("whole", kHosts);
        const auto damaged = rig.begin("damaged", {Rig::resource("d1", "host-1", {}, "damaged-host-1")});
        const auto whole = rig.begin("whole", {Rig::resource("w1", "host-1", {}, "whole-host-1")});
        Transaction transaction;
        transaction.add(Statement{"UPDATE step SET " + damage + " WHERE task_id = ?", {damaged}, 1});
        REQUIRE(rig.store.commit(transaction, soon()).committed);

        rig.start("host-1");

        CHECK(rig.ended(whole).status == TaskStatus::completed);
        const auto task = rig.ended(damaged);
        CHECK(task.status == TaskStatus::failed);
        CHECK(task.error.find("cannot read step 0.fake::d1.create") != std::string::npos);
    }
}
