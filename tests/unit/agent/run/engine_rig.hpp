#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "agent/run/engine.hpp"
#include "agent/run/plan_steps.hpp"
#include "agent/store/local_store.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/fake_kind.hpp"
#include "tests/fakes/mortal_store.hpp"
#include "tests/unit/agent/run/holds_a_text.hpp"

namespace pgedge::test {

inline const Limit soon() { return Limit(std::chrono::seconds(60)); }

inline EngineOptions quick_options() {
    EngineOptions options;
    options.retry = {6, std::chrono::milliseconds(4), std::chrono::milliseconds(20), std::chrono::milliseconds(2'000)};
    options.beat_period = std::chrono::milliseconds(25);
    options.scheduler_hold = std::chrono::milliseconds(400);
    options.silent_after = std::chrono::seconds(30);
    options.relist_period = std::chrono::milliseconds(500);
    options.level_period = std::chrono::milliseconds(50);
    return options;
}

/// One start of the agent of one host.
struct Agent {
    MortalStore store;
    Secrets secrets;
    FakeKind kind;
    ResourceKinds kinds;
    SystemClock clock;
    Leases leases;
    Engine engine;

    Agent(Store& shared, FakeWorld& world, const std::string& host, Replanner& replanner, const EngineOptions& options,
          const KeepsServer& keeps_server, const WorkKinds& works)
        : store(shared),
          secrets(store, Secret(std::string(32, 'k'))),
          kind(world),
          kinds{{kind.kind(), &kind}},
          leases(store, clock, host, host + "-" + random_hex(4)),
          engine(host, {store, secrets, kinds, leases, replanner, clock, Log::none(), keeps_server, works}, options) {
        engine.start();
    }
};

/// Plans to all resources that `wanted` names, from what is known.
struct FixedReplanner final : Replanner {
    Store& store;
    std::vector<Resource> wanted;
    explicit FixedReplanner(Store& all) : store(all) {}
    Plan plan_again(const OpenTask& task, const Limit& limit) override {
        return make_plan(Databases(store).resources(task.task.database_id, limit), {{"end state", wanted}});
    }
};

/// Several hosts in one process, on one store. Each test case makes its own.
class Rig {
public:
    explicit Rig(std::int64_t level = newest_schema_version()) : store(":memory:", level) {}

    LocalStore store;
    FakeWorld world;
    FixedReplanner replanner{store};
    EngineOptions options = quick_options();
    KeepsServer keeps_server;
    WorkKinds works;
    std::map<std::string, std::unique_ptr<Agent>> agents;

    /// After the one before has died.
    void start(const std::string& host) {
        kill(host);
        agents[host] = std::make_unique<Agent>(store, world, host, replanner, options, keeps_server, works);
    }
    /// The dead cannot tell the store.
    void kill(const std::string& host) {
        if (const auto& agent = agents[host]) agent->store.cut_now();
        agents[host].reset();
    }
    void stop(const std::string& host) { agents.at(host).reset(); }

    /// A database with one instance "<id>-<host>" on each host.
    void add_database(const std::string& id, const std::vector<std::string>& hosts) {
        Database database;
        database.id = id;
        database.dialect = "pglogical";
        database.spec.database_name = id;
        database.spec.nodes.emplace_back();
        database.spec.nodes.back().name = "n1";
        database.spec.nodes.back().host_ids = hosts;
        database.revision = 1;
        Transaction transaction;
        transaction.add(Databases::insert(database));
        for (const auto& host : hosts) {
            Instance instance;
            instance.id = id + "-" + host;
            instance.database_id = id;
            instance.node_name = "n1";
            instance.host_id = host;
            instance.listen_port = next_port_++;
            transaction.add(Databases::upsert_instance(instance));
        }
        REQUIRE(store.commit(transaction, soon()).committed);
    }
    static Resource resource(const std::string& name, const std::string& host,
                             const std::vector<std::string>& needs = {}, const std::string& instance = {}) {
        Resource made;
        made.id = {"fake", name};
        made.host_id = host;
        for (const auto& need : needs) made.needs.push_back({"fake", need});
        made.want = {{"name", name}};
        if (!instance.empty()) made.want["instance_id"] = instance;
        return made;
    }
    /// Stores a task that leads to `wanted`, as an operation does; answers its id.
    std::string begin(const std::string& database_id, const std::vector<Resource>& wanted,
                      const std::string& type = "create", const Preliminaries& before = {}) {
        replanner.wanted = wanted;
        const auto known = Databases(store).resources(database_id, soon());
        Task task;
        task.id = new_uuid();
        task.scope = "database";
        task.entity_id = task.database_id = database_id;
        task.type = type;
        task.created_at = SystemClock().wall();
        auto database = *Databases(store).find(database_id, soon());
        const auto revision = database.revision++;
        database.state = type == "create"   ? DatabaseState::creating
                         : type == "delete" ? DatabaseState::deleting
                                            : DatabaseState::modifying;
        database.error.clear();
        database.last_task_id = task.id;
        Transaction transaction;
        transaction.add(Databases::update(database, revision));
        for (auto instance : Databases(store).instances(database_id, soon())) {
            instance.state = type == "delete" ? InstanceState::deleting : InstanceState::modifying;
            instance.error.clear();
            transaction.add(Databases::upsert_instance(instance));
        }
        transaction.add(Tasks::insert(task, TaskStage::apply, Json::object()));
        for (const auto& row : step_rows(task.id, before, make_plan(known, {{"end state", wanted}})))
            transaction.add(Tasks::insert_step(row));
        REQUIRE(store.commit(transaction, soon()).committed);
        return task.id;
    }

    Task task(const std::string& id) { return *Tasks(store).find(id, soon()); }
    Database database(const std::string& id) { return *Databases(store).find(id, soon()); }
    /// Waits for the end of the task, at most a minute.
    Task ended(const std::string& id) {
        Task now;
        wait_until("task " + id + " has ended", [&] { return is_final((now = task(id)).status); });
        return now;
    }
    void wait_until(const std::string& what, const std::function<bool()>& holds) {
        const Limit limit(std::chrono::seconds(60));
        while (!holds()) {
            if (!limit.pause(std::chrono::milliseconds(2))) FAIL("it did not happen: " << what);
        }
    }
    void cancel(const std::string& task_id) {
        const auto now = SystemClock().wall();
        Transaction transaction;
        transaction.add(Tasks::set_status(task_id, TaskStatus::canceling, "", now))
            .add(StepQueue::settle(task_id, now));
        REQUIRE(store.commit(transaction, soon()).committed);
    }
    /// The log as text, a line each, durations as D.
    std::string log(const std::string& task_id) {
        std::string text;
        for (const auto& entry : Tasks(store).log(task_id, "", {}, soon())) {
            std::string line = entry.message;
            if (const auto took = line.find("(took "); took != std::string::npos)
                line.replace(took + 6, line.find(')', took) - took - 6, "D");
            text += line + "\n";
        }
        return text;
    }

private:
    int next_port_ = 5432;
};

}  // namespace pgedge::test
