#include "common/api/client.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "tests/fakes/fake_agent.hpp"

namespace pgedge {
namespace {

const Json kSpec = Json::parse(R"({"database_name": "shop", "nodes": [{"name": "n1", "host_ids": ["host-1"]}]})");

struct Cluster {
    FakeAgent agent;
    FakeAgentTransport transport{agent, "http://127.17.0.1:3000"};
    ControlPlaneClient api{transport, {}};

    TaskAnswer start_create() { return api.create_database({{"id", "shop"}, {"spec", kSpec}}).task; }
};

Error refusal_of(int status, const Headers& headers, const std::string& body) {
    HttpResponse response;
    response.status = status;
    response.headers = headers;
    response.body = body;
    HttpRequest request;
    request.path = "/v1/databases";
    return error_of(response, request, "http://h:3000");
}

}  // namespace

TEST_CASE("an error of the API keeps its name, its text and the exit code that belongs to it") {
    const Error error = refusal_of(409, {{"goa-error", "operation_already_in_progress"}},
                                   R"({"name": "operation_already_in_progress", "message": "busy"})");

    CHECK(error.name() == "operation_already_in_progress");
    CHECK(error.text() == "busy");
    CHECK(error.exit_code() == 6);
    CHECK(error.hint().find("pgedgectl task") != std::string::npos);
}

TEST_CASE("an error without the API's object says who answered what") {
    CHECK(refusal_of(502, {}, "<html>bad gateway</html>").text() ==
          "http://h:3000 answered 502: <html>bad gateway</html>");
    CHECK(refusal_of(404, {}, "404 page not found").text() ==
          "the agent at http://h:3000 does not know GET /v1/databases");
    CHECK(refusal_of(401, {}, "").kind() == ErrorKind::denied);
}

TEST_CASE("an answer that is not JSON, or lacks a field, is told as such") {
    class Strange final : public Transport {
    public:
        std::string body;
        HttpResponse send(const HttpRequest&, const Limit&) override {
            HttpResponse response;
            response.body = body;
            return response;
        }
        HttpResponse stream(const HttpRequest& request, const Limit& limit,
                            const std::function<bool(std::string_view)>&) override {
            return send(request, limit);
        }
        std::string endpoint() const override { return "http://h:3000"; }
    } strange;
    ControlPlaneClient api(strange, {});

    strange.body = "hello";
    CHECK_THROWS_AS(api.databases(), Error);
    strange.body = R"({"databases": [{"state": "available"}]})";
    CHECK_THROWS_WITH_AS(api.databases(), R"(the agent's database lacks "id")", Error);
    strange.body = R"({"databases": [{"id": 7, "state": "available"}]})";
    CHECK_THROWS_WITH_AS(api.databases(), R"("id" in the agent's database is not a text)", Error);
}

TEST_CASE("what only helps people may be missing from an answer") {
    const Json instance{{"id", "shop-n1"}, {"spock", {{"subscriptions", {{{"status", "down"}}}}}}};
    const DatabaseAnswer database =
        database_answer({{"id", "shop"}, {"state", "available"}, {"instances", {instance}}});
    CHECK(database.instances.at(0).subscriptions.at(0).state == "down");
    CHECK(database.instances.at(0).subscriptions.at(0).name.empty());

    CHECK(task_log_answer({{"entries", {{{"message", "begun"}}}}}).entries.size() == 1);
    CHECK(task_log_answer({{"entries", "none"}}).entries.empty());
    CHECK(task_log_answer(Json::object()).entries.empty());
    CHECK(instance_log_answer({{"instance_id", 7}, {"lines", {"a", 7, "b"}}}).lines ==
          std::vector<std::string>{"a", "b"});
    CHECK(instance_log_answer({{"lines", 7}}).lines.empty());
    CHECK_THROWS_WITH_AS(link_answer({{"provider_node", "n1"}, {"subscriber_node", "n2"}}),
                         R"(the agent's link lacks "name")", Error);
}

TEST_CASE("an id that cannot be one is never sent") {
    Cluster cluster;
    for (const char* id : {"", ".", "..", "a/b", "../hosts"}) {
        CHECK_THROWS_AS(cluster.api.database(id), Error);
        CHECK_FALSE(cluster.api.find_database(id));
    }
    CHECK(cluster.agent.calls.empty());
}

TEST_CASE("a plan comes back as steps and refuses to be begun when something has moved") {
    Cluster cluster;
    const Json wanted{{"id", "shop"}, {"spec", kSpec}};

    const PlanAnswer plan = cluster.api.plan(wanted);
    CHECK(plan.type == "create");
    CHECK(plan.changes);
    REQUIRE(plan.plan.steps.size() == 1);
    CHECK(plan.plan.steps[0].resource.host_id == "host-1");

    CHECK_THROWS_AS(cluster.api.create_database(wanted, "another digest"), Error);
    CHECK(cluster.agent.databases.empty());
    CHECK(cluster.api.create_database(wanted, plan.digest).database->id == "shop");
    CHECK_FALSE(cluster.api.plan(wanted).changes);
}

TEST_CASE("a followed task gives every entry once and then its end, also when the connection breaks in between") {
    for (const int break_after : {-1, 0, 1}) {
        CAPTURE(break_after);
        Cluster cluster;
        const TaskAnswer task = cluster.start_create();
        cluster.agent.break_follow_after = break_after;

        std::vector<std::string> messages;
        const TaskAnswer end =
            cluster.api.follow_task(task.id, Limit(std::chrono::seconds(10)),
                                    [&](const LogEntryAnswer& entry) { messages.push_back(entry.message); });

        CHECK(end.status == "completed");
        REQUIRE(messages.size() == 2);
        CHECK(messages[0] == "creating resource database.instance::shop-n1-689qacsi");
        CHECK(messages[1] == "finished creating resource database.instance::shop-n1-689qacsi (took 100ms)");
    }
}

TEST_CASE("a task that does not end is followed until the limit") {
    Cluster cluster;
    cluster.agent.hang_next = true;
    const TaskAnswer task = cluster.start_create();
    std::stop_source stop;

    CHECK_THROWS_AS(cluster.api.follow_task(task.id, Limit(std::chrono::milliseconds(20)), [](const auto&) {}), Error);
    CHECK_THROWS_AS(cluster.api.follow_task(task.id, Limit(std::chrono::minutes(1), stop.get_token()),
                                            [&](const auto&) { stop.request_stop(); }),
                    Error);
}

TEST_CASE("a join token of the first releases has one server URL") {
    CHECK(join_token_answer({{"token", "t"}, {"server_url", "http://h:3000"}}).server_urls ==
          std::vector<std::string>{"http://h:3000"});
    CHECK(join_token_answer({{"token", "t"}, {"server_urls", {"a", "b"}}}).server_urls ==
          std::vector<std::string>{"a", "b"});
}

}  // namespace pgedge
