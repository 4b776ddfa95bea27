#include "tests/integration/agent/api/postgres_ha_rig.hpp"

#include <doctest/doctest.h>

#include "agent/store/tables/databases.hpp"
#include "common/base/error.hpp"

namespace pgedge::test {
namespace {

constexpr const char* kHosts[] = {"host-1", "host-2"};

void commit_all(Store& store) {
    Database database;
    database.id = "shop";
    database.dialect = "pglogical";
    database.spec.database_name = "shop";
    database.spec.nodes.emplace_back();
    database.spec.nodes[0].name = "n1";
    database.spec.nodes[0].host_ids = {kHosts[0], kHosts[1]};
    Transaction all;
    all.add(Databases::insert(database));
    for (const char* host : kHosts) {
        Instance instance;
        instance.id = instance_id("shop", "n1", host);
        instance.database_id = "shop";
        instance.node_name = "n1";
        instance.host_id = host;
        instance.listen_port = 5432;
        all.add(Databases::upsert_instance(instance));
    }
    REQUIRE(store.commit(all, Limit(10s)).committed);
}

}  // namespace

PostgresHaRig::PostgresHaRig() {
    machine_.make(kPrimary);
    auto context = machine_.context();
    machine_.ask(kPrimary, "CREATE ROLE patroni_replicator LOGIN REPLICATION");  // database.instance would make it
    machine_.slots.apply(machine_.slot(), context);
    machine_.make(kReplica);
    commit_all(store_);
    first_ = router_of(kHosts[0]);
    second_ = router_of(kHosts[1]);
    const auto streams = [&] {
        return machine_.ask(kPrimary, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "1";
    };
    REQUIRE(comes_true(streams));
}

std::unique_ptr<Router> PostgresHaRig::router_of(const std::string& host_id) {
    auto router = std::make_unique<Router>();
    router->add(postgres_ha_api(
        {host_id, machine_.host.data_dir(), machine_.host.runtime(), machine_.host.user(),
         [this] { return std::shared_ptr<const PostgresHaServices>(std::shared_ptr<void>(), &services_); }},
        Log::none()));
    return router;
}

Json PostgresHaRig::ask(const std::string& host_id, const std::string& instance_id, InstanceQuestion question,
                        const std::vector<std::string>& names, const Limit& limit) {
    if (silent) throw Error(ErrorKind::unreachable, host_id + " does not answer");
    return answer_question(machine_.host.runtime(), machine_.host.user(), instance_id, question, names, limit);
}

PostgresHaRig::Answer PostgresHaRig::call(int host, const std::string& method, const std::string& target,
                                          std::string body, Headers headers) {
    const Router& router = host == 1 ? *first_ : *second_;
    HttpRequest request;
    request.method = method;
    const auto question = target.find('?');
    request.raw_path = "/api/pg/v1/" + target.substr(0, question);
    request.path = url_decode(request.raw_path);
    if (question != std::string::npos) request.query = parse_query(target.substr(question + 1));
    request.headers = std::move(headers);
    try {
        if (!body.empty())
            if (const auto terms = router.body_terms(request)) {
                if (body.size() > terms->most) throw Failure{413, "payload_too_large", "too large"};
                request.reserved = terms->reserved;
            }
        request.body = std::move(body);
        const auto response = router.handle(request);
        Answer answer{response.status, response.body, response.headers};
        if (response.stream)
            response.stream([&](std::string_view part) {
                answer.body += part;
                return true;
            });
        return answer;
    } catch (const Failure& failure) {
        const auto response = router.refuse(request, failure);
        return {response.status, response.body, response.headers};
    }
}

std::shared_ptr<void> PostgresHaRig::begin_upload(int host, const std::string& name) {
    HttpRequest head;
    head.method = "PUT";
    head.path = head.raw_path = "/api/pg/v1/walFile/" + name;
    return (host == 1 ? *first_ : *second_).body_terms(head)->reserved;
}

PostgresHaRig::Answer PostgresHaRig::put(int host, const std::string& name, const std::string& bytes) {
    return call(host, "PUT", "walFile/" + name, bytes, {{"Content-Type", "application/octet-stream"}});
}

}  // namespace pgedge::test
