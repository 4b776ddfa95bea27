#pragma once

#include <cstdio>
#include <functional>
#include <string>

#include <doctest/doctest.h>
#include <unistd.h>

#include "agent/resources/local_session.hpp"
#include "agent/resources/registry.hpp"
#include "tests/fakes/test_authority.hpp"
#include "tests/integration/support/test_host.hpp"
#include "tests/unit/common/orchestrate/small_cluster.hpp"

namespace pgedge::test {

using namespace std::chrono_literals;

inline constexpr const char* kPassword = "p@ss 'word\" \\ 1";
inline constexpr const char* kHostile = "Robert'); DROP \"TABLE\" stud€nts;--";

inline Limit soon() { return Limit(60s); }

/// Four hosts of one machine, all looked after by this process.
class DatabaseRig {
public:
    explicit DatabaseRig(const std::string& database_name) {
        for (int i = 1; i <= 4; ++i) {
            auto& machine = cluster.hosts["host-" + std::to_string(i)];
            machine.peer_addresses = machine.client_addresses = {"127.16.0." + std::to_string(20 + i)};
            machine.memory_bytes = std::int64_t{1} << 30;
            machine.cpus = 1;
            machine.versions = {{"15.18", "pglogical", "2.4.2", postgres_bin_dir()}};
        }
        auto& spec = cluster.wanted.spec;
        spec.database_name = database_name;
        spec.postgresql_conf = {{"fsync", "off"}, {"shared_buffers", "16MB"}, {"max_wal_size", "64MB"}};
        spec.scripts.post_init = {"CREATE ROLE from_script", "CREATE TABLE in_postgres (ran int)",
                                  "INSERT INTO in_postgres VALUES (1)"};
        spec.scripts.post_database_create = {"CREATE TABLE scripted (id serial PRIMARY KEY, v text)",
                                             "INSERT INTO scripted (v) VALUES ('a'), ('b')"};
        UserSpec odd;
        odd.username = kHostile;
        odd.password = SecretRef{"odd", "0123456789abcdef"};
        odd.attributes = {"LOGIN"};
        odd.roles = {"from_script", "pgedge_superuser"};
        spec.database_users.push_back(odd);
    }

    /// What a step gets: its node's primary is where the store would say.
    StepContext context(const Step& step) {
        StepContext with{soon(), cluster.wanted.id, [](const SecretRef&) { return Secret(kPassword); },
                         [this](std::string_view message) {
                             if (told) told(message);
                         }};
        const std::string own = instance_of(step.resource);
        for (const auto& [node, primary] : cluster.primaries)
            for (const auto& [host_id, machine] : cluster.hosts) {
                if (instance_id(cluster.wanted.id, node, host_id) != own && step.resource.node != node) continue;
                const auto there = cluster.host_of(node, primary);
                with.primary = {node, primary, there, cluster.hosts[there].peer_addresses[0], 5432, 1};
            }
        return with;
    }

    /// Carries the plan out; `stop_after` steps, all when negative.
    void carry_out(const Plan& plan, int stop_after = -1) {
        ResourceRegistry registry({host.data_dir(), host.user(), host.runtime(), host.owner(), authority});
        cluster.begin(plan);
        for (const auto& step : plan.steps) {
            if (stop_after-- == 0) return;
            auto with = context(step);
            auto& kind = *registry.all().at(step.resource.id.kind);
            within(step.resource.id.text(), [&] {
                step.action == Action::remove ? kind.remove(step.resource, with) : kind.apply(step.resource, with);
            });
        }
    }
    void apply() {
        const Plan plan = cluster.plan();
        carry_out(plan);
        cluster.carry_out(plan);
    }

    /// In a process of its own, which ends with 0 when it is done.
    pid_t agent_that_carries_out(const Plan& plan) {
        const pid_t agent = ::fork();
        if (agent != 0) return agent;
        try {
            host.restart_agent();
            carry_out(plan);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "the agent failed: %s\n", error.what());
            ::_exit(1);
        }
        ::_exit(0);
    }

    Connection on(const std::string& node, const std::string& host_id, const std::string& database = {}) {
        auto session = connect_locally(host.runtime(), instance_id(cluster.wanted.id, node, host_id),
                                       database.empty() ? cluster.wanted.spec.database_name : database, soon());
        session.run("SET search_path = public", soon());
        return session;
    }
    std::string ask(const std::string& node, const std::string& host_id, const std::string& sql,
                    const std::string& database = {}) {
        try {
            return on(node, host_id, database).run(sql, soon()).value().value_or("null");
        } catch (const SqlError& error) {
            return error.what();
        }
    }
    bool comes(const std::string& node, const std::string& host_id, const std::string& sql,
               const std::string& expected) {
        std::string last;
        const bool came = comes_true([&] { return (last = ask(node, host_id, sql)) == expected; }, 20s);
        if (!came) MESSAGE(node, " on ", host_id, ": ", sql, ": ", last);
        return came;
    }
    /// Logs in over the network as a user of the spec.
    Connection log_in(const std::string& user, const std::string& password) {
        ConnectOptions options;
        options.host = cluster.hosts["host-1"].client_addresses[0];
        options.port = 5432;
        options.user = user;
        options.database = cluster.wanted.spec.database_name;
        options.password = Secret(password);
        return Connection(options, soon());
    }

    std::function<void(std::string_view)> told;  ///< gets what steps tell the user
    TestHost host;
    TestAuthority authority;
    SmallCluster cluster;
};

}  // namespace pgedge::test
