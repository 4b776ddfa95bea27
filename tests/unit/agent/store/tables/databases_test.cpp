#include "agent/store/tables/databases.hpp"

#include <doctest/doctest.h>

#include "agent/store/local_store.hpp"
#include "tests/unit/agent/store/commit.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

Database shop() {
    Database database;
    database.id = "shop";
    database.tenant_id = "acme";
    database.state = DatabaseState::creating;
    database.dialect = "pglogical";
    database.spec.database_name = "shop";
    database.spec.nodes.emplace_back();
    database.spec.nodes[0].name = "n1";
    database.spec.nodes[0].host_ids = {"host-1"};
    database.last_task_id = "task";
    database.revision = 3;
    database.created_at = WallTime(1s);
    database.updated_at = WallTime(2s);
    return database;
}

Instance instance(const std::string& id, const std::string& host, int port) {
    Instance made;
    made.id = id;
    made.database_id = "shop";
    made.node_name = "n1";
    made.host_id = host;
    made.listen_port = port;
    made.created_at = made.updated_at = WallTime(1s);
    return made;
}

}  // namespace

TEST_CASE("a database comes back as it was stored") {
    LocalStore store;
    const Databases databases(store);
    CHECK_FALSE(databases.find("shop", soon()));
    REQUIRE(commit(store, Databases::insert(shop())));

    const auto found = *databases.find("shop", soon());
    CHECK(found.tenant_id == "acme");
    CHECK(found.state == DatabaseState::creating);
    CHECK(found.dialect == "pglogical");
    CHECK(found.spec == shop().spec);
    CHECK(found.last_task_id == "task");
    CHECK(found.revision == 3);
    CHECK(found.created_at == WallTime(1s));
    CHECK(found.updated_at == WallTime(2s));
    REQUIRE(databases.list(soon()).size() == 1);
    CHECK(databases.list(soon())[0].dialect == "pglogical");
    CHECK(databases.list(soon())[0].updated_at == WallTime(2s));
    CHECK_FALSE(commit(store, Databases::insert(shop())));
}

TEST_CASE("a database is changed only by who knows its revision") {
    LocalStore store;
    REQUIRE(commit(store, Databases::insert(shop())));
    auto changed = shop();
    changed.tenant_id.clear();
    changed.state = DatabaseState::failed;
    changed.error = "it broke";
    changed.revision = 4;

    CHECK_FALSE(commit(store, Databases::update(changed, 2)));
    CHECK(commit(store, Databases::update(changed, 3)));
    CHECK_FALSE(commit(store, Databases::update(changed, 3)));

    const auto found = *Databases(store).find("shop", soon());
    CHECK(found.tenant_id.empty());
    CHECK(found.state == DatabaseState::failed);
    CHECK(found.error == "it broke");
    CHECK(found.revision == 4);
}

TEST_CASE("two instances never have one port of one host") {
    LocalStore store;
    REQUIRE(commit(store, Databases::insert(shop())));

    CHECK(commit(store, Databases::upsert_instance(instance("a", "host-1", 5432))));
    CHECK_FALSE(commit(store, Databases::upsert_instance(instance("b", "host-1", 5432))));
    CHECK(commit(store, Databases::upsert_instance(instance("b", "host-2", 5432))));
    auto again = instance("a", "host-1", 5432);
    again.state = InstanceState::modifying;
    again.port = 5432;
    CHECK(commit(store, Databases::upsert_instance(again)));

    CHECK(Databases(store).instances_on("host-1", soon()).size() == 1);
    const auto all = Databases(store).instances("shop", soon());
    REQUIRE(all.size() == 2);
    CHECK(all[0].state == InstanceState::modifying);
    CHECK(all[0].port == 5432);
    CHECK_FALSE(all[1].port);
}

TEST_CASE("an instance shows its last status, and a status without an instance is no error") {
    LocalStore store;
    REQUIRE(commit(store, Databases::insert(shop())));
    REQUIRE(commit(store, Databases::upsert_instance(instance("a", "host-1", 5432))));
    InstanceStatus status;
    status.postgres_version = "15.18";
    status.postgres_state = "running";
    status.role = "primary";
    status.pending_restart = true;
    status.extension_version = "2.4.2";
    status.read_only = "off";
    status.subscriptions = {{"n2", "sub_n2_n1", "replicating", "pgl_2", {}, {}},
                            {"n3", "sub_n3_n1", "down", "pgl_3", {}, WallTime(4s)}};
    status.subscriptions[0].enabled = false;
    status.subscriptions[0].discarded = {3, 300'000, WallTime(2s), "can't find relation"};
    status.subscriptions[1].failure = {WallTime(3s), "it violates", "INSERT into public.t", "0/1A", "734", "today"};
    status.slots = {{"pgl_4", {42, 50, "extended", 7, 70}}, {"pgl_5", {.lag_bytes = 1}}};
    status.wal_room_bytes = 1000;
    status.replay_lag_bytes = 7;
    status.keyless_tables = {2, {"public.a", "odd.\"T\""}};
    status.updated_at = WallTime(9s);

    REQUIRE(commit(store, Databases::set_instance_status("a", status)));
    REQUIRE(commit(store, Databases::set_instance_status("gone", status)));
    REQUIRE(commit(store, Databases::set_instance_state("a", InstanceState::failed, "it broke", WallTime(5s))));

    const auto all = Databases(store).all_instances(soon());
    REQUIRE(all.size() == 1);
    CHECK(all[0].status == status);
    CHECK(all[0].state == InstanceState::failed);
    CHECK(all[0].error == "it broke");
}

TEST_CASE("resources come back as they are known, and go with their database") {
    LocalStore store;
    const Databases databases(store);
    REQUIRE(commit(store, Databases::insert(shop())));
    REQUIRE(commit(store, Databases::upsert_instance(instance("a", "host-1", 5432))));
    KnownResource known;
    known.resource = {{"filesystem.dir", "a"}, "host-1", {{"x", "y"}}, {{"instance_id", "a"}}, {"once"}};
    known.needs_recreate = true;
    known.error = "it broke";

    REQUIRE(commit(store, Databases::upsert_resource("shop", known)));
    REQUIRE(databases.resources("shop", soon()).size() == 1);
    const auto found = databases.resources("shop", soon()).begin()->second;
    CHECK(found.resource == known.resource);
    CHECK(found.needs_recreate);
    CHECK(found.error == "it broke");
    known.error.clear();
    REQUIRE(commit(store, Databases::upsert_resource("shop", known)));
    CHECK(databases.resources("shop", soon()).begin()->second.error.empty());

    REQUIRE(commit(store, Databases::erase("shop")));
    CHECK(databases.resources("shop", soon()).empty());
    CHECK(databases.all_instances(soon()).empty());
}
