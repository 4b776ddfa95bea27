#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "agent/run/stored_operations.hpp"
#include "agent/store/local_store.hpp"
#include "agent/store/tables/step_queue.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"
#include "common/orchestrate/orchestrator.hpp"
#include "common/spec/seal.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/unit/agent/run/holds_a_text.hpp"

namespace pgedge::test {

/// Operations on a store that knows three hosts, without any agent: a test says when steps are done.
class Operator {
public:
    LocalStore store;
    FakeClock clock;
    Secrets secrets{store, Secret(std::string(32, 'k'))};
    OperationPlanner planner{store, clock};
    StoredOperations operations{store, secrets, planner, clock};
    const Limit limit{std::chrono::minutes(5)};

    /// On a store that has been in use.
    explicit Operator(const std::filesystem::path& file) : store(file) {}
    Operator() {
        for (int i = 1; i <= 3; ++i) {
            Host host;
            host.id = "host-" + std::to_string(i);
            host.runtime = "process";
            host.data_dir = "/var/lib/pgedge";
            host.peer_addresses = host.client_addresses = {"127.15.0." + std::to_string(i)};
            host.cpus = 4;
            host.memory_bytes = std::int64_t{8} << 30;
            host.versions = {{"15.18", "pglogical", "2.4.2", "/usr/lib/postgresql/15/bin"}};
            Transaction transaction;
            transaction.add(Hosts::insert(host, std::to_string(i), clock.wall()));
            REQUIRE(store.commit(transaction, limit).committed);
        }
    }

    static DatabaseDocument document(const std::string& id, int nodes = 3, std::optional<int> port = std::nullopt) {
        DatabaseDocument wanted;
        if (!id.empty()) wanted.id = id;
        wanted.spec.database_name = "shop";
        wanted.spec.port = port;
        for (int i = 1; i <= nodes; ++i) {
            NodeSpec node;
            node.name = "n" + std::to_string(i);
            node.host_ids = {"host-" + std::to_string(i)};
            wanted.spec.nodes.push_back(node);
        }
        wanted.spec.database_users.push_back(user("admin", "correct horse", true));
        return wanted;
    }
    static UserSpec user(const std::string& name, const std::string& password, bool owner = false) {
        UserSpec user;
        user.username = name;
        if (!password.empty()) user.password = Secret(password);
        user.db_owner = owner;
        user.attributes = {"LOGIN"};
        return user;
    }

    /// Does the steps of a task as agents would, until nothing can begin; `fails` names a resource that fails.
    Task carry_out(const std::string& task_id, const std::string& fails = {}) {
        bool moved = true;
        while (moved) {
            moved = false;
            for (const auto* host : {"host-1", "host-2", "host-3"}) {
                const StepQueue queue(store, host, std::string("start-") + host);
                Transaction claim;
                claim.add(queue.claim(100, clock.wall()));
                for (const auto& step : queue.claimed(store.commit(claim, limit).rows.back())) {
                    const bool failed = step.row.step && step.row.step->resource.id.text() == fails;
                    Transaction end;
                    end.add(failed ? queue.failed(step, "it broke", clock.wall()) : queue.done(step, clock.wall()));
                    end.add(StepQueue::settle(step.row.task_id, clock.wall()));
                    REQUIRE(store.commit(end, limit).committed);
                    moved = true;
                }
            }
        }
        return *Tasks(store).find(task_id, limit);
    }
    /// Creates it and lets it become available.
    void have(const DatabaseDocument& wanted) {
        REQUIRE(carry_out(operations.create(wanted, {}, limit).task.id).status == TaskStatus::completed);
    }

    Database database(const std::string& id) { return *Databases(store).find(id, limit); }
    std::vector<Instance> instances(const std::string& id) { return Databases(store).instances(id, limit); }
    std::vector<StepRow> steps(const Task& task) { return Tasks(store).steps(task.id, limit); }
    /// "creating database.instance::x" …: what the plan of a task does.
    std::vector<std::string> work(const Task& task) {
        std::vector<std::string> all;
        for (const auto& row : steps(task))
            all.push_back(row.step ? std::string(verb_of(row.step->action)) + " " + row.step->resource.id.text()
                                   : row.id);
        return all;
    }
    std::string log(const Task& task) {
        std::string text;
        for (const auto& entry : Tasks(store).log(task.id, "", {}, limit)) text += entry.message + "\n";
        return text;
    }
    /// Name of the API error that `call` ends with; empty when it succeeds.
    template <class Call>
    static std::string refused(Call&& call) {
        try {
            call();
        } catch (const Error& error) {
            return std::string(error.name());
        }
        return {};
    }
};

}  // namespace pgedge::test
