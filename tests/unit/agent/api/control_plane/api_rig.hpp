#pragma once

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "agent/api/control_plane/control_plane.hpp"
#include "agent/api/control_plane/openapi.hpp"
#include "agent/serve/router.hpp"
#include "agent/store/local_store.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/hosts.hpp"
#include "agent/store/tables/tasks.hpp"
#include "tests/contract/openapi_check.hpp"
#include "tests/fakes/fake_backups.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/fakes/fake_instance_logs.hpp"
#include "tests/fakes/fake_links.hpp"
#include "tests/fakes/fake_membership.hpp"
#include "tests/fakes/fake_operations.hpp"

namespace pgedge {

/// The whole API over a store in memory. Every answer is checked against our OpenAPI document.
struct ApiRig {
    LocalStore store;
    FakeClock clock;
    FakeMembership membership;
    FakeOperations operations{store, clock};
    FakeInstanceLogs logs;
    FakeLinks links;
    FakeBackups backups;
    HostLiveness liveness{clock};
    HaOperations ha{store, clock, &liveness};
    Router router;
    const OpenApiCheck check{Json::parse(to_text(openapi_document()))};
    const Limit limit{std::chrono::seconds(20)};

    explicit ApiRig(bool initialized = true) {
        if (initialized) membership.init(std::nullopt, limit);
        const auto services =
            std::make_shared<const ClusterServices>(ClusterServices{store, operations, logs, links, ha, backups});
        router.add(control_plane_api(
            {membership, clock, {"v0.10.0", "abc", "2026-11-21T10:00:00Z", "amd64"}, [this, services] {
                 return membership.initialized() ? services : nullptr;
             }}));
    }

    HttpResponse send(const std::string& method, const std::string& target, const std::string& body = "") {
        HttpRequest request;
        request.method = method;
        const auto question = target.find('?');
        request.path = target.substr(0, question);
        if (question != std::string::npos) request.query = parse_query(target.substr(question + 1));
        request.body = body;
        HttpResponse response = router.handle(request);
        CAPTURE(method);
        CAPTURE(target);
        CAPTURE(response.body);
        for (const auto& fault : check.faults(method, request.path, response)) FAIL_CHECK(fault);
        return response;
    }

    Json get(const std::string& target, int status = 200) { return json_of(send("GET", target), status); }
    Json post(const std::string& target, const std::string& body, int status = 200) {
        return json_of(send("POST", target, body), status);
    }
    Json json_of(const HttpResponse& response, int status) {
        CHECK_MESSAGE(response.status == status, response.body);
        return Json::parse(response.body);
    }

    void commit(Statement statement) {
        Transaction transaction;
        transaction.add(std::move(statement));
        REQUIRE(store.commit(transaction, limit).committed);
    }

    void add_host(const std::string& id, const std::string& address) {
        Host host;
        host.id = id;
        host.runtime = "process";
        host.data_dir = "/var/lib/pgedge";
        host.peer_addresses = host.client_addresses = {address};
        host.cpus = 2;
        host.memory_bytes = 7'864'320LL * 1024;
        host.versions = {{"15.18", "pglogical", "2.4.2", "/usr/lib/postgresql/15/bin"}};
        host.agent_version = "v0.10.0";
        host.voter = true;
        commit(Hosts::insert(host, "node-of-" + id, clock.wall()));
        commit({"UPDATE host SET voter = 1 WHERE id = ?", {id}});  // as the replicated store does
    }

    /// The database of the user guide, as its create request leaves it.
    Json create_example() { return post("/v1/databases", kExample); }
    void end_task(const std::string& id, TaskStatus status = TaskStatus::completed, const std::string& error = "") {
        commit(Tasks::set_status(id, status, error, clock.wall()));
    }
    void set_state(const std::string& id, DatabaseState state, const std::string& error = "") {
        auto database = *Databases(store).find(id, limit);
        database.state = state;
        database.error = error;
        commit(Databases::update(database, database.revision));
    }
    void make_available(const std::string& database_id) {
        set_state(database_id, DatabaseState::available);
        for (const auto& instance : Databases(store).instances(database_id, limit))
            commit(Databases::set_instance_state(instance.id, InstanceState::available, "", clock.wall()));
    }

    static constexpr const char* kExample = R"({
        "id": "example",
        "spec": {
            "database_name": "example",
            "database_users": [
                {"username": "admin", "password": "s3cr3t-of-admin", "db_owner": true, "attributes": ["SUPERUSER", "LOGIN"]}
            ],
            "port": 5432,
            "nodes": [
                {"name": "n1", "host_ids": ["host-1"]},
                {"name": "n2", "host_ids": ["host-2"]},
                {"name": "n3", "host_ids": ["host-3"]}
            ]
        }
    })";
};

inline std::string header_of(const HttpResponse& response, const std::string& name) {
    const auto found = response.headers.find(name);
    return found == response.headers.end() ? "" : found->second;
}

}  // namespace pgedge
