// Operations, three agents, and every kind of resource in memory: databases from request to request.
#include <algorithm>

#include "agent/run/stored_operations.hpp"
#include "common/orchestrate/orchestrator.hpp"
#include "tests/unit/agent/run/engine_rig.hpp"
#include "tests/unit/agent/run/operations_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> kKinds{"filesystem.dir",
                                      "common.postgres_certs",
                                      "instance.data",
                                      "instance.config",
                                      "instance.server",
                                      "database.instance",
                                      "database.postgres_database",
                                      "database.replication_slot",
                                      "database.subscription",
                                      "database.node_data",
                                      "database.physical_slot"};

/// One start of an agent that knows all kinds.
struct WholeAgent {
    MortalStore store;
    Secrets secrets;
    SystemClock clock;
    std::vector<std::unique_ptr<FakeKind>> kinds;
    ResourceKinds registry;
    Leases leases;
    Engine engine;

    WholeAgent(Store& shared, FakeWorld& world, const std::string& host, Replanner& replanner)
        : store(shared),
          secrets(store, Secret(std::string(32, 'k'))),
          leases(store, clock, host, host + "-" + random_hex(4)),
          engine(host, {store, secrets, registry, leases, replanner, clock, Log::none()}, quick_options()) {
        for (const auto& kind : kKinds) {
            kinds.push_back(std::make_unique<FakeKind>(world, kind));
            registry.emplace(kinds.back()->kind(), kinds.back().get());
        }
        engine.start();
    }
};

struct Cluster : Operator {
    FakeWorld world;
    std::map<std::string, std::unique_ptr<WholeAgent>> agents;
    Cluster() {
        for (const auto* host : {"host-1", "host-2", "host-3"}) start(host);
    }
    void start(const std::string& host) {
        agents[host].reset();
        agents[host] = std::make_unique<WholeAgent>(store, world, host, planner);
    }
    Task ended(const std::string& id) {
        const Limit patience(30s);
        while (true) {
            auto task = *Tasks(store).find(id, limit);
            if (is_final(task.status)) return task;
            if (!patience.pause(3ms)) FAIL("the task does not end: " << id);
        }
    }
    /// The agents have just looked at their servers, and found them as their operations left them.
    void look() {
        Transaction seen;
        seen.add(Statement{"UPDATE instance SET updated_at = ?", {to_stored(clock.wall())}, {}});
        REQUIRE(store.commit(seen, limit).committed);
    }
    std::size_t count(const std::string& kind) {
        const auto names = world.names();
        return static_cast<std::size_t>(
            std::count_if(names.begin(), names.end(), [&](const auto& name) { return name.starts_with(kind + "::"); }));
    }
};

}  // namespace

TEST_CASE("a database of three nodes is created, changed, found damaged, mended and deleted") {
    Cluster cluster;
    auto& operations = cluster.operations;
    const auto& limit = cluster.limit;
    const auto done = [&](const Task& task) {
        const auto end = cluster.ended(task.id);
        CHECK(end.error.empty());
        return end.status == TaskStatus::completed;
    };

    REQUIRE(done(operations.create(cluster.document("shop", 2), {}, limit).task));
    CHECK(cluster.count("instance.server") == 2);
    CHECK(cluster.count("database.subscription") == 2);
    CHECK(cluster.database("shop").state == DatabaseState::available);

    cluster.look();
    REQUIRE(done(operations.update("shop", cluster.document("shop", 3), {}, limit).task));
    CHECK(cluster.count("instance.server") == 3);
    CHECK(cluster.count("database.subscription") == 6);

    cluster.world.forget_calls();
    const auto same = operations.update("shop", cluster.document("shop", 3), {}, limit).task;
    REQUIRE(done(same));
    CHECK(cluster.log(same).ends_with("nothing to do: the database is as wanted\n"));
    for (const auto& call : cluster.world.calls()) CHECK_MESSAGE(call.starts_with("observe "), call);

    cluster.world.remove("database.subscription::sub_n1_n2");
    REQUIRE(done(operations.update("shop", cluster.document("shop", 3), {}, limit).task));
    CHECK(cluster.world.has("database.subscription::sub_n1_n2"));

    REQUIRE(done(operations.remove("shop", false, {}, limit)));
    CHECK(cluster.world.names().empty());
    CHECK_FALSE(Databases(cluster.store).find("shop", limit));
}

TEST_CASE("agents that die one after the other during a create do not stop it") {
    Cluster cluster;
    const auto task = cluster.operations.create(cluster.document("shop"), {}, cluster.limit).task;
    for (int round = 0; round < 4; ++round)
        for (const auto* host : {"host-1", "host-2", "host-3"}) {
            Limit(1min).pause(10ms);
            cluster.start(host);
        }

    CHECK(cluster.ended(task.id).status == TaskStatus::completed);
    CHECK(cluster.database("shop").state == DatabaseState::available);
    CHECK(cluster.count("database.subscription") == 6);
    for (const auto& instance : cluster.instances("shop")) CHECK(instance.state == InstanceState::available);
}

TEST_CASE("an update ends at a primary whose data is gone, each time, and goes on when it is back") {
    Cluster cluster;
    auto& operations = cluster.operations;
    const auto update = [&](int nodes) {
        return cluster.ended(operations.update("shop", cluster.document("shop", nodes), {}, cluster.limit).task.id);
    };
    REQUIRE(cluster.ended(operations.create(cluster.document("shop", 2), {}, cluster.limit).task.id).error.empty());
    const auto instances = cluster.instances("shop");
    const auto primary = std::find_if(instances.begin(), instances.end(),
                                      [](const Instance& instance) { return instance.node_name == "n1"; });
    REQUIRE(primary != instances.end());
    const Resource data{{"instance.data", primary->id}, primary->host_id, {}, {}, {}};
    cluster.world.remove(FakeWorld::name_of(data));

    for (int round = 0; round < 2; ++round) {
        const auto refused = update(2);
        CHECK(refused.status == TaskStatus::failed);
        CHECK(refused.error.find("is gone from host " + primary->host_id) != std::string::npos);
        CHECK_FALSE(cluster.world.has(FakeWorld::name_of(data)));
    }
    cluster.world.apply(data);
    CHECK(update(2).status == TaskStatus::completed);
    CHECK(cluster.database("shop").state == DatabaseState::available);
}

TEST_CASE("a create that failed on one host is completed by an update with the same spec") {
    std::atomic<bool> broken{true};
    Cluster cluster;
    cluster.world.before = [&](const std::string& call, const Resource& resource, StepContext&) {
        if (broken && call.starts_with("apply instance.server::") && resource.host_id == "host-2")
            throw Error(ErrorKind::failed, "FATAL: could not map anonymous shared memory");
    };
    const auto failed = cluster.ended(cluster.operations.create(cluster.document("shop"), {}, cluster.limit).task.id);
    CHECK(failed.status == TaskStatus::failed);
    CHECK(failed.error.starts_with(
        "FATAL: could not map anonymous shared memory, while creating resource instance.server::"));
    CHECK(failed.error.ends_with(" on host-2"));
    CHECK(cluster.database("shop").error == failed.error);

    broken = false;
    const auto retry = cluster.operations.update("shop", cluster.document("shop"), {}, cluster.limit).task;
    CHECK(cluster.ended(retry.id).status == TaskStatus::completed);
    CHECK(cluster.database("shop").state == DatabaseState::available);
    CHECK(cluster.count("database.subscription") == 6);
}

TEST_CASE("looks that fail keep nobody from mending or deleting: what they were for is made again") {
    Cluster cluster;
    const auto update = [&](int nodes) {
        return cluster.ended(
            cluster.operations.update("shop", cluster.document("shop", nodes), {}, cluster.limit).task.id);
    };
    REQUIRE(
        cluster.ended(cluster.operations.create(cluster.document("shop", 2), {}, cluster.limit).task.id).error.empty());
    cluster.world.before = [&](const std::string& call, const Resource& resource, StepContext&) {
        if (!call.starts_with("observe database.") || resource.host_id != "host-2") return;
        if (resource.id.kind == "database.subscription") throw std::runtime_error("a bug");
        throw Error(ErrorKind::denied, "Peer authentication failed for user \"pgedge\"");
    };

    cluster.world.forget_calls();
    const auto mended = update(2);
    CHECK(mended.error == "");
    CHECK(mended.status == TaskStatus::completed);
    CHECK(cluster.log(mended).find("could not be looked at") != std::string::npos);
    for (const char* again : {"apply database.postgres_database::n2", "apply database.subscription::sub_n1_n2"})
        CHECK_MESSAGE(cluster.world.place_of(again) >= 0, again);
    CHECK(cluster.world.place_of("apply database.subscription::sub_n2_n1") == -1);

    const auto removed = cluster.ended(cluster.operations.remove("shop", false, {}, cluster.limit).id);
    CHECK(removed.error == "");
    CHECK(removed.status == TaskStatus::completed);
    CHECK(cluster.world.names().empty());
}

TEST_CASE("what became the primary after its removal was planned is not removed") {
    Cluster cluster;
    auto wanted = Operator::document("shop", 1);
    wanted.spec.nodes[0].host_ids = {"host-1", "host-2"};
    CHECK(cluster.ended(cluster.operations.create(wanted, {}, cluster.limit).task.id).error == "");
    for (auto& agent : cluster.agents) agent.second.reset();
    wanted.spec.nodes[0].host_ids = {"host-1"};
    const auto task = cluster.operations.update("shop", wanted, {}, cluster.limit).task;
    Transaction failover;
    failover.add({"UPDATE node SET primary_instance = 'shop-n1-9ptayhma', term = term + 1 WHERE name = 'n1'", {}, 1});
    REQUIRE(cluster.store.commit(failover, cluster.limit).committed);

    for (const auto* host : {"host-1", "host-2", "host-3"}) cluster.start(host);
    const auto ended = cluster.ended(task.id);

    CHECK(ended.status == TaskStatus::failed);
    CHECK_MESSAGE(ended.error.find("shop-n1-9ptayhma has become the primary of node n1") != std::string::npos,
                  ended.error);
    for (const auto* kind : {"instance.server", "instance.data", "instance.config"})
        CHECK_MESSAGE(cluster.count(kind) == 2, kind);
}
