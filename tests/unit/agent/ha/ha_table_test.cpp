#include "tests/unit/agent/ha/ha_rig.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

Candidate told_by(const std::string& id) {
    Candidate candidate;
    candidate.instance_id = id;
    candidate.system_identifier = 7'400'000'000'000'000'001;
    candidate.timeline = 3;
    candidate.history = {{1, parse_lsn("0/1000")}, {2, parse_lsn("1/2000")}};
    candidate.received = parse_lsn("1/3000");
    candidate.replayed = parse_lsn("1/2F00");
    candidate.slots_term = 4;
    candidate.running = candidate.complete = candidate.disk_has_room = candidate.delayed_by_user = true;
    return candidate;
}

LastPrimary served_by(const std::string& id, const char* position) { return {id, 7, 2, parse_lsn(position)}; }

HaChange change_to(const std::string& id, std::int64_t term, WallTime at) {
    return {.database_id = "shop",
            .node = "n1",
            .term = term,
            .timeline = 2,
            .instance_id = id,
            .from_instance = "a",
            .cause = "the lease was overdue",
            .switch_lsn = parse_lsn("0/2000"),
            .lost_bytes = 5,
            .at = at};
}

/// Ids of the instances of a host that high availability looks after.
std::vector<std::string> places(HaRig& rig, const std::string& host) {
    std::vector<std::string> ids;
    for (const auto& place : rig.table.places_on(host, Freshness::leader, soon())) ids.push_back(place.instance_id);
    return ids;
}

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("high availability is for nodes of several copies, with Spock only for those alone in their database") {
    HaRig rig;
    rig.add_shop();
    for (const std::string name : {"a", "b", "c"}) CHECK(places(rig, "host-" + name) == Ids{name});
    CHECK(places(rig, "host-d").empty());
    const auto place = rig.table.places_on("host-a", Freshness::leader, soon()).at(0);
    CHECK(place == HaTable::Place{"a", "shop", "n1"});

    rig.add_database("lone", {"n1"});
    rig.add_instance("lone", "n1", "d", "origin");
    REQUIRE(commit(rig.store, Nodes::set("lone", "n1", "d")));
    CHECK(places(rig, "host-d").empty());

    rig.add_database("wide", {"n1", "n2"}, "spock");
    for (const std::string name : {"e", "f"}) rig.add_instance("wide", "n1", name, "origin");
    rig.add_instance("wide", "n2", "g", "origin");
    REQUIRE(commit(rig.store, Nodes::set("wide", "n1", "e")));
    CHECK(places(rig, "host-e") == Ids{"e"});
    REQUIRE(commit(rig.store, Nodes::set("wide", "n2", "g")));
    for (const std::string name : {"e", "f", "g"}) CHECK(places(rig, "host-" + name).empty());

    rig.add_database("broad", {"n1", "n2"}, "pglogical");
    for (const std::string name : {"h", "i"}) rig.add_instance("broad", "n1", name, "origin");
    rig.add_instance("broad", "n2", "j", "origin");
    REQUIRE(commit(rig.store, Nodes::set("broad", "n1", "h")));
    REQUIRE(commit(rig.store, Nodes::set("broad", "n2", "j")));
    for (const std::string name : {"h", "i"}) CHECK(places(rig, "host-" + name) == Ids{name});
    CHECK(places(rig, "host-j").empty());
}

TEST_CASE("an instance that is no copy of the others is not one of them") {
    HaRig rig;
    rig.add_database("shop", {"n1"});
    rig.add_instance("shop", "n1", "a", "old");
    rig.add_instance("shop", "n1", "b", "new");
    REQUIRE(commit(rig.store, Nodes::set("shop", "n1", "a")));
    CHECK(places(rig, "host-a").empty());
    CHECK(places(rig, "host-b").empty());
    rig.add_instance("shop", "n1", "c", "new");
    CHECK(places(rig, "host-a").empty());
    CHECK(places(rig, "host-b") == Ids{"b"});
    CHECK(places(rig, "host-c") == Ids{"c"});
    REQUIRE(commit(rig.store, {"UPDATE resource SET body = '{' WHERE name = 'b'"}));
    CHECK(places(rig, "host-b").empty());
    CHECK(places(rig, "host-c").empty());
}

TEST_CASE("a node is read with what its instances told, as far as that can be read") {
    HaRig rig;
    rig.add_shop();
    CHECK(rig.node("none").members.empty());
    REQUIRE(commit(rig.store, HaTable::tell(told_by("b"), 4)));
    REQUIRE(commit(rig.store, HaTable::tell(told_by("gone"), 4)));
    REQUIRE(commit(rig.store, HaTable::tell(told_by("c"), 4)));
    REQUIRE(commit(rig.store, {"UPDATE ha_member SET told = '{\"timeline\": \"x\"}' WHERE instance_id = 'c'"}));

    const auto node = rig.node();
    CHECK(node.primary_instance == "a");
    CHECK(node.primary_term == 1);
    CHECK_FALSE(node.last);
    CHECK_FALSE(node.request);
    REQUIRE(node.members.size() == 3);
    CHECK(node.find("gone") == nullptr);
    CHECK_FALSE(node.find("a")->told);
    CHECK_FALSE(node.find("c")->told);
    const auto& b = *node.find("b");
    CHECK(b.host_id == "host-b");
    CHECK(b.port == 5432);
    CHECK(b.address.empty());
    CHECK(b.told_term == 4);
    REQUIRE(b.told);
    CHECK(b.told->system_identifier == 7'400'000'000'000'000'001);
    CHECK(b.told->timeline == 3);
    REQUIRE(b.told->history.size() == 2);
    CHECK(b.told->history[1].parent == 2);
    CHECK(b.told->history[1].at == parse_lsn("1/2000"));
    CHECK(b.told->received == parse_lsn("1/3000"));
    CHECK(b.told->replayed == parse_lsn("1/2F00"));
    CHECK(b.told->running);
    CHECK_FALSE(b.told->streaming);
    CHECK(b.told->delayed_by_user);
    CHECK(b.told->slots_term == 4);

    REQUIRE(commit(rig.store, HaTable::tell(told_by("b"), 5)));
    CHECK(rig.node().find("b")->told_term == 5);
}

TEST_CASE("a host whose record cannot be read keeps no node from being seen") {
    HaRig rig;
    rig.add_shop();
    REQUIRE(commit(rig.store, {"INSERT INTO host (id, facts, node_id, joined_at) VALUES ('host-b', '{', 'b', 0)"}));
    CHECK(rig.node().members.size() == 3);
    CHECK(rig.node().find("b")->address.empty());
}

TEST_CASE("the last primary's position is that of the newest term") {
    HaRig rig;
    rig.add_shop();
    const auto node = rig.node();
    REQUIRE(commit(rig.store, HaTable::position(node, served_by("b", "0/3000"), parse_lsn("0/2000"), 7)));
    REQUIRE(commit(rig.store, HaTable::position(node, served_by("a", "0/9000"), std::nullopt, 6)));
    CHECK(rig.node().last->instance_id == "b");
    CHECK(rig.node().last->position == parse_lsn("0/3000"));
    CHECK(rig.node().last->system_identifier == 7);
    CHECK(rig.node().last_term == 7);
    CHECK(rig.node().last_begins == parse_lsn("0/2000"));

    REQUIRE(commit(rig.store, HaTable::position(node, served_by("b", "0/4000"), std::nullopt, 7)));
    CHECK(rig.node().last->position == parse_lsn("0/4000"));
    CHECK_FALSE(rig.node().last_begins);
    auto gone = node;
    gone.name = "n2";
    REQUIRE(commit(rig.store, HaTable::position(gone, served_by("b", "0/4000"), std::nullopt, 8)));
    CHECK(rig.node().last_term == 7);
}

TEST_CASE("a new primary stands in the node's row and in its history, newest first, each term once") {
    HaRig rig;
    rig.add_shop();
    const auto at = rig.clock.wall();
    REQUIRE(rig.run(HaTable::serves(rig.node(), change_to("b", 2, at))));
    REQUIRE(rig.run(HaTable::serves(rig.node(), change_to("c", 10, at + 1s))));
    auto again = change_to("c", 11, at + 2s);
    again.from_instance.clear();
    again.switch_lsn.reset();
    REQUIRE(rig.run(HaTable::serves(rig.node(), again)));
    REQUIRE(rig.run(HaTable::serves(rig.node(), change_to("c", 10, at + 9s))));
    CHECK(rig.node().primary_instance == "c");
    CHECK(rig.node().primary_term == 3);  // counts primaries, not starts

    const auto history = rig.table.history("shop", "n1", soon());
    REQUIRE(history.size() == 3);
    CHECK(history[0].term == 11);
    CHECK_FALSE(history[0].switch_lsn);
    CHECK(history[1].term == 10);
    CHECK(history[1].at == at + 1s);
    CHECK(history[2].term == 2);
    CHECK(history[2].instance_id == "b");
    CHECK(history[2].from_instance == "a");
    CHECK(history[2].timeline == 2);
    CHECK(history[2].cause == "the lease was overdue");
    CHECK(history[2].switch_lsn == parse_lsn("0/2000"));
    CHECK(history[2].lost_bytes == 5);
    CHECK(rig.table.history("shop", "n2", soon()).empty());
}

TEST_CASE("what high availability keeps of a node goes with it, and a task that waits there is closed") {
    for (const bool whole : {false, true}) {
        CAPTURE(whole);
        HaRig rig;
        rig.add_shop();
        REQUIRE(commit(rig.store, HaTable::tell(told_by("b"), 1)));
        REQUIRE(commit(rig.store, HaTable::position(rig.node(), served_by("a", "0/3000"), std::nullopt, 1)));
        REQUIRE(rig.run(HaTable::serves(rig.node(), change_to("a", 1, rig.clock.wall()))));
        REQUIRE(commit(rig.store, {"INSERT INTO lease (name, epoch, holder, host, incarnation, hold_ms) VALUES (?, 1, "
                                   "'a', 'host-a', 'i', 4000)",
                                   {primary_lease("shop", "n1")}}));
        const auto request = rig.add_request();

        if (whole)
            REQUIRE(commit(rig.store, Databases::erase("shop")));
        else
            for (const auto* id : {"a", "b", "c"}) REQUIRE(commit(rig.store, Databases::erase_instance(id)));

        CHECK(rig.node().members.empty());
        for (const auto* name : {"node", "ha_member", "ha_primary", "ha_history", "ha_request", "ha_sync", "lease"}) {
            CAPTURE(name);
            CHECK(rig.store.read({std::string("SELECT 1 FROM ") + name}, Freshness::leader, soon()).empty());
        }
        CHECK(rig.task(request.task_id).status == TaskStatus::canceled);
        CHECK(rig.task(request.task_id).completed_at);
        CHECK(Tasks(rig.store).open(soon()).empty());
    }
}

TEST_CASE("what is promised of synchronous standbys changes only from what was seen") {
    HaRig rig;
    rig.add_shop();
    CHECK_FALSE(rig.node().sync);
    CHECK_FALSE(rig.run({HaTable::erase_sync(rig.node())}));
    const SyncState first{3, "a", {{"b", "c"}, 1}, 0};
    REQUIRE(rig.run({HaTable::set_sync(rig.node(), first)}));
    CHECK(rig.node().sync == SyncState{3, "a", {{"b", "c"}, 1}, 1});
    CHECK_FALSE(rig.run({HaTable::set_sync(rig.node(), first)}));
    CHECK_FALSE(rig.run({HaTable::set_sync(rig.node(), {4, "b", {}, 2})}));

    const auto seen = rig.node();
    REQUIRE(rig.run({HaTable::set_sync(seen, {4, "b", {}, 1})}));
    CHECK(rig.node().sync == SyncState{4, "b", {}, 2});
    CHECK_FALSE(rig.run({HaTable::erase_sync(seen)}));
    REQUIRE(commit(rig.store, {"UPDATE ha_sync SET members = '{', votes = 9"}));
    CHECK(rig.node().sync->set == StoredSyncSet{});  // nobody but the last primary
    REQUIRE(rig.run({HaTable::erase_sync(rig.node())}));
    CHECK_FALSE(rig.node().sync);
    CHECK_FALSE(rig.run({HaTable::set_sync(seen, {5, "b", {}, 2})}));
}

TEST_CASE("a node has the policy of its resource, and maintenance until it ends") {
    HaRig rig;
    rig.add_shop();
    CHECK(rig.node().policy == HaPolicy{});
    Resource policy{
        {"database.high_availability", "n1"},
        "host-a",
        {},
        {{"mode", "sync"}, {"sync_replicas", 1}, {"max_lag_bytes", 5}, {"lease_ttl_ms", 4000}, {"strict", true}},
        {}};
    REQUIRE(commit(rig.store, Databases::upsert_resource("shop", {policy, false, ""})));
    CHECK(rig.node().policy->max_lag_bytes == 5);
    CHECK(rig.node().policy->strict);

    const auto now = rig.clock.wall();
    CHECK_FALSE(rig.node().in_maintenance(now));
    REQUIRE(rig.run({HaTable::set_maintenance("shop", "n1", now + 60s)}));
    REQUIRE(rig.run({HaTable::set_maintenance("shop", "n1", now + 90s)}));
    CHECK(rig.node().in_maintenance(now + 89s));
    CHECK_FALSE(rig.node().in_maintenance(now + 90s));
    REQUIRE(rig.run({HaTable::end_maintenance("shop", "n1")}));
    CHECK_FALSE(rig.node().in_maintenance(now));
    CHECK_FALSE(rig.run({HaTable::set_maintenance("shop", "n9", now)}));
}
