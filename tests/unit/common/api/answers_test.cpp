// Whole bodies of the API's answers as text: names, values and their order are what clients have seen since the first
// version. A new field is a new part of a line in golden/answers.txt; nothing else there may change.
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

#include "common/api/shapes.hpp"

using namespace pgedge;

namespace {

constexpr WallTime kStart = WallTime(std::chrono::hours(24 * 365 * 50));
WallTime at(int seconds) { return kStart + std::chrono::seconds(seconds); }

Task sample_task() {
    Task task;
    task.id = "019a1111-0000-7000-8000-000000000001";
    task.scope = "database";
    task.entity_id = task.database_id = "shop";
    task.type = "update";
    task.status = TaskStatus::failed;
    task.host_id = "host-1";
    task.node_name = "n1";
    task.instance_id = "shop-n1-689qacsi";
    task.parent_id = "019a1111-0000-7000-8000-000000000000";
    task.error = "port 5432 is taken";
    task.created_at = at(0);
    task.completed_at = at(1);
    return task;
}

Host sample_host() {
    Host host;
    host.id = "host-1";
    host.runtime = "process";
    host.data_dir = "/var/lib/pgedge";
    host.peer_addresses = {"fd00::1", "10.0.0.1"};
    host.client_addresses = {"db1.example.com", "203.0.113.1"};
    host.cpus = 2;
    host.memory_bytes = 7'864'320LL * 1024;
    host.versions = {{"15.18", "pglogical", "2.4.2", "/usr/lib/postgresql/15/bin"}};
    host.installations = {{"15.18", "/usr/lib/postgresql/15/bin", {{"pglogical", "2.4.2"}}}};
    host.agent_version = "v0.10.0";
    host.voter = true;
    host.state = HostState::degraded;
    host.updated_at = at(2);
    host.components = {{"store", {false, "no leader", {{"leader", ""}}}}, {"runtime", {true, "", Json::object()}}};
    return host;
}

/// Of a link that goes on; what is wrong with it is added to it.
SubscriptionStatus sample_subscription(const std::string& provider) {
    SubscriptionStatus seen;
    seen.provider_node = provider;
    seen.name = "sub_" + provider + "_n1";
    seen.status = "replicating";
    seen.slot = "slot_of_" + provider;
    seen.lag_bytes = 0;
    return seen;
}
SubscriptionStatus stopped_subscription() {
    auto seen = sample_subscription("n3");
    seen.status = "down";
    seen.lag_bytes = 2048;
    seen.down_since = at(2);
    seen.failure = LinkFailure{at(3), "duplicate key", "INSERT into public.t", "0/1A", "734", "today"};
    seen.at_provider = SlotStatus{2048, 4096, "extended", 8192, 16384};
    return seen;
}
SubscriptionStatus discarding_subscription() {
    auto seen = sample_subscription("n4");
    seen.discarded = DiscardedTransactions{2, 5, at(4), "relation is not there"};
    seen.at_provider = SlotStatus{0, 4096, "reserved", {}, {}};
    return seen;
}
SubscriptionStatus disabled_subscription() {
    auto seen = sample_subscription("n5");
    seen.status = "down";
    seen.lag_bytes.reset();
    seen.enabled = false;
    seen.at_provider = SlotStatus{0, 64, "lost", {}, {}};
    return seen;
}
/// A failure of which nothing but its text is known, and with it transactions that were left out.
SubscriptionStatus failing_subscription() {
    auto seen = discarding_subscription();
    seen.failure = LinkFailure{at(3), "", "", "", "", ""};
    return seen;
}

Instance sample_instance() {
    Instance instance;
    instance.database_id = "shop";
    instance.node_name = "n1";
    instance.host_id = "host-1";
    instance.id = "shop-n1-689qacsi";
    instance.state = InstanceState::available;
    instance.error = "an error of old";
    instance.port = 5432;
    instance.created_at = at(0);
    instance.updated_at = at(1);
    InstanceStatus status;
    status.postgres_version = "15.18";
    status.postgres_state = "running";
    status.role = "primary";
    status.pending_restart = true;
    status.extension_version = "2.4.2";
    status.read_only = "off";
    status.subscriptions = {sample_subscription("n2"), stopped_subscription(), discarding_subscription(),
                            disabled_subscription(), failing_subscription()};
    status.keyless_tables = {2, {"public.a", "public.b"}};
    status.updated_at = at(5);
    instance.status = status;
    return instance;
}
Instance sample_replica() {
    Instance instance = sample_instance();
    instance.id = "shop-n1-9ptayhma";
    instance.host_id = "host-2";
    instance.error.clear();
    InstanceStatus status;
    status.postgres_state = "running";
    status.role = "replica";
    status.replay_lag_bytes = 0;
    status.updated_at = at(5);
    instance.status = status;
    return instance;
}

Database sample_database() {
    Database database;
    database.id = "shop";
    database.tenant_id = "acme";
    database.state = DatabaseState::available;
    database.dialect = "pglogical";
    database.spec.database_name = "shop";
    database.last_task_id = "019a1111-0000-7000-8000-000000000001";
    database.revision = 7;
    database.created_at = at(0);
    database.updated_at = at(1);
    return database;
}
std::vector<Instance> sample_instances() {
    auto primary = sample_instance();
    primary.status->slots = {{"slot_of_n2", {1, 2, "lost", {}, {}}}};
    return {sample_replica(), primary};
}

LinkPlace sample_place() {
    LinkPlace place;
    place.subscription = "sub_n3_n1";
    place.provider = "n3";
    place.subscriber = "n1";
    place.dialect = "pglogical";
    return place;
}
std::vector<LinkTransaction> sample_transactions() {
    return {{"734",
             "0/1A",
             "0/1B",
             "today",
             "duplicate key",
             false,
             2,
             {"INSERT public.t: 2"},
             {{"INSERT", "public.t", R"({"id":1})", "INSERT INTO public.t …"}, {"DDL", "", "DROP …", ""}}},
            {"99", "", "", "", "", true, 0, {}, {}}};
}

/// One body after another, each below its name.
class Bodies {
public:
    void add(const std::string& what, const OrderedJson& body) { text_ += "-- " + what + "\n" + to_text(body) + "\n"; }
    const std::string& text() const { return text_; }

private:
    std::string text_;
};

void add_tasks(Bodies& bodies) {
    bodies.add("task", task_shape().write(sample_task()));
    bodies.add("bare task", task_shape().write(Task{}));
}

void add_hosts(Bodies& bodies) {
    const std::string cluster = "cluster", nothing;
    const Host host = sample_host(), bare;
    Host of_bare_version;
    of_bare_version.versions = {{}};
    bodies.add("host", host_shape().write({host, cluster}));
    bodies.add("bare host", host_shape().write({bare, nothing}));
    bodies.add("bare version", host_shape().write({of_bare_version, nothing})["default_pgedge_version"]);
}

void add_instances(Bodies& bodies) {
    const Host host = sample_host();
    const Instance primary = sample_instance(), replica = sample_replica();
    Instance unseen = primary;
    unseen.status.reset();
    unseen.error.clear();
    unseen.port.reset();
    unseen.state = InstanceState::creating;
    bodies.add("instance", instance_shape().write({primary, &host, at(6)}));
    bodies.add("replica", instance_shape().write({replica, nullptr, at(6)}));
    bodies.add("stale", instance_shape().write({primary, &host, at(60)}));
    bodies.add("unseen", instance_shape().write({unseen, &host, at(6)}));
}

void add_databases(Bodies& bodies) {
    const std::map<std::string, Host> hosts{{"host-1", sample_host()}};
    const Database database = sample_database();
    ShownDatabase summary(database, sample_instances(), hosts, at(6));
    summary.with_upgrades = true;
    bodies.add("database summary", database_summary_shape().write(summary));
    ShownDatabase whole(database, {}, hosts, at(6));
    whole.with_upgrades = true;
    bodies.add("database", database_shape().write(whole));
    Database bare;
    bare.state = DatabaseState::failed;
    bare.error = "no room";
    bodies.add("bare database", database_summary_shape().write({bare, {}, hosts, at(6)}));
}

void add_links(Bodies& bodies) {
    const LinkPlace place = sample_place(), nowhere;
    const auto unseen = [](const LinkPlace& link) {
        SubscriptionStatus nothing;
        nothing.provider_node = link.provider;
        nothing.name = link.subscription;
        nothing.status = "unknown";
        return nothing;
    };
    bodies.add("unseen link", link_summary_shape().write({place, unseen(place)}));
    bodies.add("bare link", link_summary_shape().write({nowhere, unseen(nowhere)}));
    for (const auto& seen :
         {stopped_subscription(), discarding_subscription(), disabled_subscription(), failing_subscription()})
        bodies.add("link", link_summary_shape().write({place, seen}));
    bodies.add("link with transactions", link_shape().write({place, stopped_subscription(), sample_transactions()}));
}

NodeMember sample_member() {
    NodeMember member;
    member.instance_id = "shop-n1-9ptayhma";
    member.host_id = "host-2";
    member.state = InstanceState::available;
    member.running = member.streaming = true;
    member.timeline = 3;
    member.position = "0/1A";
    member.lag_bytes = 16;
    member.replay_lag_bytes = 0;
    return member;
}

void add_nodes(Bodies& bodies) {
    NodeMember primary, bad = sample_member();
    primary.instance_id = "shop-n1-689qacsi";
    primary.host_id = "host-1";
    primary.state = InstanceState::available;
    primary.is_primary = true;
    bad.running = false;
    bad.reasons = {"it does not run", "its disk is almost full"};
    NodeView node;
    node.database_id = "shop";
    node.name = "n1";
    node.state = NodeState::switching;
    node.error = "shop-n1-9ptayhma: it does not run";
    node.primary_instance = primary.instance_id;
    node.primary_host = "host-1";
    node.term = 4;
    node.timeline = 3;
    node.winner = "shop-n1-9ptayhma";
    node.loss_bytes_at_most = 0;
    node.members = {primary, sample_member(), bad};
    node.request =
        NodeRequest{"019a1111-0000-7000-8000-000000000001", "failover", "waiting", "shop-n1-9ptayhma", at(9), true};
    bodies.add("node", node_shape().write(node));
    NodeView bare;
    bare.fixed_because = "the node has one instance";
    bare.request = NodeRequest{};
    bodies.add("bare node", node_shape().write(bare));
    bodies.add("change of a primary", node_change_shape().write({4, 3, at(1), "shop-n1-9ptayhma", "shop-n1-689qacsi",
                                                                 "the lease was overdue", "0/1A", 16}));
    bodies.add("bare change of a primary", node_change_shape().write({}));
}

void add_logs(Bodies& bodies) {
    const Task task = sample_task(), bare;
    const std::string first = "019a1111-0000-7000-8000-000000000002";
    bodies.add("log", task_log_shape().write(
                          {task, first, {{first, at(1), "begun", {{"step", 1}}}, {"", at(2), "", Json::object()}}}));
    bodies.add("bare log", task_log_shape().write({bare, "", {}}));
}

}  // namespace

TEST_CASE("answers have the fields that clients know, in the order that they know") {
    Bodies bodies;
    add_tasks(bodies);
    add_hosts(bodies);
    add_instances(bodies);
    add_databases(bodies);
    add_links(bodies);
    add_logs(bodies);
    add_nodes(bodies);

    std::istringstream now(bodies.text());
    std::ifstream known(PGEDGE_ANSWERS);
    REQUIRE(known);
    std::string name, line, known_line;
    while (std::getline(known, known_line)) {
        REQUIRE(std::getline(now, line));
        if (known_line.starts_with("-- ")) name = known_line;
        CAPTURE(name);
        CHECK(line == known_line);
    }
    CHECK_FALSE(std::getline(now, line));
}

TEST_CASE("a node is read as it was written, with what clients need of it") {
    NodeView node;
    node.name = "n1";
    node.database_id = "shop";
    node.state = NodeState::blocked;
    node.primary_instance = "shop-n1-689qacsi";
    node.term = 4;
    node.members = {sample_member()};
    node.request = NodeRequest{"t", "switchover", "stopping", "c", at(9), false};
    const auto read = node_answer(Json(node_shape().write(node)));
    CHECK(read.name == "n1");
    CHECK(read.state == "blocked");
    CHECK(read.term == 4);
    CHECK_FALSE(read.timeline);
    REQUIRE(read.request);
    CHECK(read.request->stage == "stopping");
    CHECK(read.request->candidate == "c");
    CHECK(read.request->scheduled_at == to_rfc3339(at(9)));
    REQUIRE(read.find("shop-n1-9ptayhma"));
    CHECK(read.find("shop-n1-9ptayhma")->can_take_over);
    CHECK(read.find("shop-n1-9ptayhma")->streaming);
    CHECK(read.find("shop-n1-9ptayhma")->lag_bytes == 16);
    CHECK(read.find("shop-n1-689qacsi") == nullptr);
    node.request.reset();
    CHECK_FALSE(node_answer(Json(node_shape().write(node))).request);
}

TEST_CASE("every state of a node has a name that the document knows") {
    const OrderedJson words = node_shape().schema()["properties"]["state"]["enum"];
    std::vector<std::string> names;
    for (const auto state : {NodeState::healthy, NodeState::degraded, NodeState::no_primary, NodeState::blocked,
                             NodeState::promoting, NodeState::switching})
        names.emplace_back(to_string(state));
    CHECK(words == OrderedJson(names));
}

TEST_CASE("a field with two places is described once, and read once") {
    const OrderedJson schema = link_shape().schema();
    CHECK(schema["properties"]["error"]["description"] == "Why it does not go on, in the server's words");
    const LinkPlace place = sample_place();
    CHECK(link_answer(Json(link_shape().write({place, discarding_subscription()}))).error == "relation is not there");
}

TEST_CASE("what is missing is neither disabled nor stopped, whatever was seen of it before") {
    const LinkPlace place = sample_place();
    for (auto seen : {disabled_subscription(), stopped_subscription(), discarding_subscription()}) {
        seen.status = "missing";
        const OrderedJson link = link_shape().write({place, seen});
        CHECK(link["status"] == "missing");
        CHECK_FALSE(link.contains("state"));
        CHECK(link_answer(Json(link)).state == "missing");
    }
}
