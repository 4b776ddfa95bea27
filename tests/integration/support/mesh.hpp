#pragma once

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/postgres/dialect.hpp"
#include "agent/runtime/server_parameters.hpp"
#include "tests/integration/support/test_host.hpp"

namespace pgedge::test {

inline Limit soon() { return Limit(std::chrono::seconds(60)); }

/// Three servers in a mesh over pglogical, each the only instance of its node.
class Mesh {
public:
    static constexpr auto kDatabase = "app";

    explicit Mesh(int first_port) {
        for (int i = 1; i <= 3; ++i) {
            servers.push_back(
                host.make_server(fmt::format("app-n{}-aaaaaaaa", i), fmt::format("127.16.0.{}", i), first_port,
                                 "wal_level = logical\ntrack_commit_timestamp = on\nmax_worker_processes = 20\n"
                                 "compute_query_id = on\n"
                                 "shared_preload_libraries = 'pglogical'\n"
                                 "pglogical.conflict_resolution = 'last_update_wins'\n" +
                                     output_plugins()));
            host.owner().start(servers.back(), soon());
            auto setup = host.connect(servers.back());
            setup.run("CREATE DATABASE app", soon());
            setup.run("CREATE ROLE alice LOGIN", soon());
            setup.run("ALTER DATABASE app OWNER TO alice", soon());
            dialect.check_settings(setup, soon());
            sessions.push_back(host.connect(servers.back(), kDatabase));
            dialect.ensure_node(sessions.back(), node(i), "dbname=app user=pgedge", soon());
            dialect.ensure_schema_support(sessions.back(), i, soon());
        }
    }

    /// The servers load these plugins, where they have to be told.
    std::string output_plugins() {
        constexpr std::string_view kParameter = "output_plugin_libraries";
        if (!server_knows_parameter(host.runtime(), postgres_bin_dir(), kParameter, soon())) return "";
        return fmt::format("{} = 'pgoutput, test_decoding, pglogical_output'", kParameter);
    }
    static std::string node(int number) { return fmt::format("n{}", number); }
    static std::string subscription(int provider, int subscriber) {
        return fmt::format("sub_n{}_n{}", provider, subscriber);
    }
    std::string dsn(int number) const {
        const auto& server = servers.at(static_cast<std::size_t>(number - 1));
        return fmt::format("host={} port={} dbname=app user=pgedge", server.address, server.port);
    }
    Connection& on(int number) { return sessions.at(static_cast<std::size_t>(number - 1)); }
    ResultSet run(int number, const std::string& sql) { return on(number).run(sql, soon()); }
    Connection as_alice(int number) {
        const auto& server = servers.at(static_cast<std::size_t>(number - 1));
        ConnectOptions options{server.paths.sockets(), server.port, "alice", kDatabase, {}, {}};
        return Connection(options, soon());
    }

    WantedSubscription wanted(int provider, int subscriber) {
        const auto name = subscription(provider, subscriber);
        return {name, node(provider), dialect.slot_name(on(provider), node(provider), name, soon()), dsn(provider),
                true};
    }
    void connect_all() {
        for (int p = 1; p <= 3; ++p)
            for (int s = 1; s <= 3; ++s)
                if (p != s) dialect.ensure_slot(on(p), wanted(p, s).slot, soon());
        for (int p = 1; p <= 3; ++p)
            for (int s = 1; s <= 3; ++s)
                if (p != s) dialect.ensure_subscription(on(s), wanted(p, s), soon());
        for (int p = 1; p <= 3; ++p)
            for (int s = 1; s <= 3; ++s)
                if (p != s) dialect.wait_replicating(on(s), subscription(p, s), soon());
    }
    bool everywhere(const std::string& sql, const std::string& expected) {
        std::string seen;
        const bool agreed = comes_true(
            [&] {
                seen.clear();
                bool same = true;
                for (int i = 1; i <= 3; ++i) {
                    std::string value;
                    try {
                        value = run(i, sql).value().value_or("null");
                    } catch (const SqlError& error) {
                        value = error.what();  // the table has not come yet
                    }
                    same = same && value == expected;
                    seen += fmt::format("n{}: {}; ", i, value);
                }
                return same;
            },
            std::chrono::seconds(20));
        if (!agreed) MESSAGE(sql, ": ", seen);
        return agreed;
    }

    TestHost host;
    const ReplicationDialect& dialect = ReplicationDialect::of("pglogical");
    std::vector<ServerSpec> servers;
    std::vector<Connection> sessions;
};

}  // namespace pgedge::test
