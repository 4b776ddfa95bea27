#include "agent/api/postgres_ha/nodes.hpp"

#include <doctest/doctest.h>

#include "agent/api/postgres_ha/faults.hpp"
#include "agent/store/local_store.hpp"
#include "agent/store/tables/databases.hpp"
#include "tests/unit/agent/store/commit.hpp"

using namespace pgedge;

namespace {

const std::vector<DatabaseNode> kTwo{{"billing", "n2", {{"billing-n2-a", "host-1"}}},
                                     {"storefront", "n1", {{"s-a", "host-2"}, {"s-b", "host-1"}, {"s-c", "host-3"}}}};

HttpRequest naming(const std::string& node) {
    HttpRequest request;
    request.headers["x-pg-node"] = node;
    return request;
}

/// "21 billing/n2,storefront/n1": code and list of the failure.
template <class Call>
std::string failure_of(Call call) {
    try {
        call();
    } catch (const Failure& failure) {
        const auto body = parse_json(PgErrors().failure(failure).body);
        std::string text = std::to_string(failure.status) + "/" + to_text(body.at("code"));
        if (body.contains("nodes")) text += " " + to_text(body.at("nodes"));
        return text;
    }
    return "none";
}

void add_instance(Store& store, const std::string& node, const std::string& host, int port) {
    Instance instance;
    instance.id = "shop-" + node + "-" + host;
    instance.database_id = "shop";
    instance.node_name = node;
    instance.host_id = host;
    instance.listen_port = port;
    instance.stopped = host == "host-3";
    REQUIRE(commit(store, Databases::upsert_instance(instance)));
}

}  // namespace

TEST_CASE("a call means the only node of its host, or the one that it names") {
    const HttpRequest plain;
    CHECK(choose_node({kTwo[0]}, "host-1", plain, std::nullopt).text() == "billing/n2");
    CHECK(choose_node(kTwo, "host-2", plain, std::nullopt).text() == "storefront/n1");
    CHECK(choose_node(kTwo, "host-1", naming("storefront/n1"), std::nullopt).text() == "storefront/n1");
    CHECK(choose_node(kTwo, "host-1", plain, "billing/n2").text() == "billing/n2");
    CHECK(choose_node(kTwo, "host-1", naming("billing/n2"), "billing/n2").text() == "billing/n2");
    // Also one that this host has nothing of.
    CHECK(choose_node(kTwo, "host-9", plain, "billing/n2").on("host-9") == nullptr);
}

TEST_CASE("the called host comes first, the others in the node's order") {
    using Hosts = std::vector<std::string>;
    const auto order = [](const std::string& host_id) {
        return choose_node(kTwo, host_id, naming("storefront/n1"), std::nullopt).hosts();
    };
    CHECK(order("host-1") == Hosts{"host-1", "host-2", "host-3"});
    CHECK(order("host-3") == Hosts{"host-3", "host-2", "host-1"});
    CHECK(order("host-9") == Hosts{"host-2", "host-1", "host-3"});
}

TEST_CASE("a call that means no node or several is told which there are") {
    const HttpRequest plain;
    const auto choose = [&](const std::string& host, const HttpRequest& request,
                            std::optional<std::string> in_path = {}) {
        return failure_of([&] { choose_node(kTwo, host, request, in_path); });
    };
    CHECK(choose("host-1", plain) == R"(409/21 ["billing/n2","storefront/n1"])");
    CHECK(choose("host-9", plain) == "404/22");
    CHECK(choose("host-1", naming("storefront/n1"), "billing/n2") == "400/20");
    CHECK(choose("host-1", naming("storefront/n9")) == R"(404/23 ["billing/n2","storefront/n1"])");
    CHECK(choose("host-1", plain, "x/y") == R"(404/23 ["billing/n2","storefront/n1"])");
    CHECK(choose("host-1", naming("")) == R"(404/23 ["billing/n2","storefront/n1"])");
}

TEST_CASE("nodes come from the store, in the order of their specs") {
    LocalStore store;
    Database database;
    database.id = "shop";
    database.dialect = "pglogical";
    database.spec.database_name = "shop";
    for (const char* name : {"n1", "n2"}) {
        database.spec.nodes.emplace_back();
        database.spec.nodes.back().name = name;
        database.spec.nodes.back().host_ids = {"host-3", "host-1", "host-2"};
    }
    REQUIRE(commit(store, Databases::insert(database)));
    int port = 5432;
    for (const char* host : {"host-1", "host-2", "host-3"}) add_instance(store, "n2", host, port++);
    add_instance(store, "n1", "host-1", port++);

    const auto nodes = list_nodes(store, soon());

    REQUIRE(nodes.size() == 2);
    CHECK(nodes[0].text() == "shop/n1");
    CHECK(nodes[1].hosts() == std::vector<std::string>{"host-3", "host-1", "host-2"});
    CHECK(nodes[1].instances[0].stopped);
    CHECK_FALSE(nodes[1].instances[1].stopped);

    // A spec that cannot be read orders nothing and hides nothing.
    REQUIRE(commit(store, {"UPDATE database SET spec = 'not json'", {}, {}}));
    CHECK(list_nodes(store, soon())[1].hosts() == std::vector<std::string>{"host-1", "host-2", "host-3"});
}
