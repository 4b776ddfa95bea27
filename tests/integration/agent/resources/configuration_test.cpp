// Configurations that PostgreSQL refuses, on real servers: they are taken back, and nobody is shut out.
#include <csignal>

#include <doctest/doctest.h>

#include "agent/postgres/conf_files.hpp"
#include "common/base/file.hpp"
#include "tests/capture_bound.hpp"
#include "tests/integration/agent/resources/machine.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

Json with(const char* name, const char* value) {
    Json changed = settings();
    changed[name] = value;
    return changed;
}

std::string files_of(const Machine& machine) {
    const auto paths = machine.paths(kPrimary);
    return read_file(paths.config_file()) + read_file(hba_file(paths)) + read_file(ident_file(paths));
}

std::string error_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.text();
    }
    return "no error";
}

}  // namespace

TEST_CASE("a configuration with which the server does not start is taken back, and the error tells its own words") {
    Machine machine;
    machine.make(kPrimary);
    auto context = machine.context();
    const auto good = files_of(machine);
    machine.ask(kPrimary, "CREATE TABLE kept AS SELECT 1 AS n");

    for (const auto& [name, value, words] : std::vector<std::tuple<const char*, const char*, const char*>>{
             {"shared_buffers", "3TB", "could not map anonymous shared memory"},
             {"shared_preload_libraries", "pglogical,no_such_library", "no_such_library"},
             {"unix_socket_group", "no_such_group", "no_such_group"}}) {
        CAPTURE_BOUND(name);
        machine.configs.apply(machine.config(kPrimary, with(name, value)), context);
        const auto error = error_of([&] { machine.servers.apply(machine.server(kPrimary), context); });

        CAPTURE_BOUND(error);
        CHECK(error.find(words) != std::string::npos);
        CHECK(error.find("put back") != std::string::npos);
        CHECK(files_of(machine) == good);
        CHECK(machine.ask(kPrimary, "SELECT count(*) FROM kept") == "1");
        CHECK(machine.configs.observe(machine.config(kPrimary, with(name, value)), context) == Observed::differs);
    }

    machine.configs.apply(machine.config(kPrimary, with("shared_buffers", "32MB")), context);
    machine.servers.apply(machine.server(kPrimary), context);
    CHECK(machine.ask(kPrimary, "SHOW shared_buffers") == "32MB");
}

TEST_CASE("an agent that is killed while a configuration is taken back is followed by one that goes on with it") {
    Machine machine;
    machine.make(kPrimary);
    auto context = machine.context();
    const auto good = files_of(machine);
    const auto bad = machine.config(kPrimary, with("shared_buffers", "3TB"));
    const LastGoodConfiguration last_good(machine.paths(kPrimary), machine.host.user());
    const auto apply = [&] { machine.servers.apply(machine.server(kPrimary), context); };
    const auto paths = machine.paths(kPrimary);

    SUBCASE("after the server was stopped for the restart") {
        machine.configs.apply(bad, context);
        machine.host.owner().stop(kPrimary, StopMode::fast, Limit(60s));
    }
    SUBCASE("after the refusal was noted") {
        machine.configs.apply(bad, context);
        machine.host.owner().stop(kPrimary, StopMode::fast, Limit(60s));
        last_good.note_refused("it had said so");
    }
    SUBCASE("after the first file was put back") {
        machine.configs.apply(bad, context);
        machine.host.owner().stop(kPrimary, StopMode::fast, Limit(60s));
        last_good.note_refused("it had said so");
        machine.host.user().write_file(paths.config_file(), last_good.load()->files.at(paths.config_file()), 0600);
    }
    SUBCASE("after all of it") {
        machine.configs.apply(bad, context);
        CHECK(error_of(apply).find("put back") != std::string::npos);
    }

    const auto error = error_of(apply);  // the step is run again
    CAPTURE_BOUND(error);
    CHECK(error.find("put back") != std::string::npos);
    CHECK(files_of(machine) == good);
    CHECK(machine.ask(kPrimary, "SHOW shared_buffers") == "16MB");

    machine.configs.apply(machine.config(kPrimary), context);
    apply();
    CHECK(machine.ask(kPrimary, "SHOW shared_buffers") == "16MB");
}

TEST_CASE("settings that let nobody in are taken back with the reload that brought them") {
    Machine machine;
    machine.make(kPrimary);
    auto context = machine.context();
    const auto good = files_of(machine);

    const auto error = error_of([&] {
        machine.configs.apply(machine.config(kPrimary, with("session_preload_libraries", "no_such_library")), context);
    });

    CAPTURE_BOUND(error);
    CHECK(error.find("no_such_library") != std::string::npos);
    CHECK(files_of(machine) == good);
    CHECK(comes_true([&] { return machine.ask(kPrimary, "SHOW session_preload_libraries").empty(); }));
}

TEST_CASE("a server that lets nobody in gets a better configuration all the same, or the last good one") {
    Machine machine;
    machine.make(kPrimary);
    auto context = machine.context();
    const auto good = files_of(machine);
    // What an agent that was killed left: written and taken, and not looked at.
    const auto file = machine.paths(kPrimary).config_file();
    machine.host.user().write_file(file, read_file(file) + "session_preload_libraries = 'no_such_library'\n", 0600);
    machine.host.runtime().reload(kPrimary);
    const auto shut_out = [&] {
        return error_of([&] { machine.ask(kPrimary, "SELECT 1"); }).find("no_such_library") != std::string::npos;
    };
    REQUIRE(comes_true(shut_out));

    SUBCASE("the step is run again") {
        const auto error = error_of([&] {
            machine.configs.apply(machine.config(kPrimary, with("session_preload_libraries", "no_such_library")),
                                  context);
        });
        CAPTURE_BOUND(error);
        CHECK(error.find("put back") != std::string::npos);
        CHECK(files_of(machine) == good);
    }
    SUBCASE("the spec is corrected") {
        machine.configs.apply(machine.config(kPrimary, with("work_mem", "5MB")), context);
        CHECK(machine.ask(kPrimary, "SHOW work_mem") == "5MB");
    }
    CHECK(comes_true([&] { return error_of([&] { CHECK(machine.ask(kPrimary, "SELECT 1") == "1"); }) == "no error"; }));
}

TEST_CASE("a wrong line of pg_ident.conf is refused by a running server, and its files stay") {
    Machine machine;
    machine.make(kPrimary);
    auto context = machine.context();
    const auto good = files_of(machine);

    for (const char* line : {"m /^(.*@x y", "m a", "m /a{256} b", "m a,b c"}) {
        CAPTURE_BOUND(line);
        const auto error =
            error_of([&] { machine.configs.apply(machine.config(kPrimary, settings(), {}, {line}), context); });
        CAPTURE_BOUND(error);
        CHECK(error.find("pg_ident.conf line") != std::string::npos);
        CHECK(files_of(machine) == good);
    }
    machine.configs.apply(machine.config(kPrimary, settings(), {}, {"m /^(.*)@x$ \\1"}), context);
    CHECK(machine.ask(kPrimary, "SELECT count(*) FROM pg_ident_file_mappings WHERE map_name = 'm'") == "1");
}

TEST_CASE("a server that starts with a wrong pg_ident.conf does not shut us out: to mend it and to take it down") {
    Machine machine;
    auto context = machine.context();
    machine.make(kPrimary);
    // What an agent before us accepted.
    const auto file = ident_file(machine.paths(kPrimary));
    machine.host.user().write_file(file, pg_ident_conf({"root", "postgres"}, {}, {"m /^(.*@x y"}), 0600);
    machine.host.owner().restart(kPrimary, Limit(60s));

    SUBCASE("mended") {
        machine.configs.apply(machine.config(kPrimary, settings(), {}, {"m /^(.*)@x$ y"}), context);
        CHECK(machine.ask(kPrimary, "SELECT count(*) FROM pg_ident_file_mappings WHERE map_name = 'm'") == "1");
    }
    SUBCASE("asked") {
        CHECK(machine.ask(kPrimary, "SELECT 1") == "1");
        CHECK(machine.slots.observe(machine.slot(), context) == Observed::missing);
    }
    SUBCASE("restarted with another setting") {
        machine.configs.apply(machine.config(kPrimary, with("max_connections", "30")), context);
        machine.servers.apply(machine.server(kPrimary), context);
        CHECK(machine.ask(kPrimary, "SHOW max_connections") == "30");
    }
    CHECK(read_file(file).find("(.*@x") == std::string::npos);
}

TEST_CASE("a first start with a wrong pg_ident.conf fails with the line, and leaves a server that can be mended") {
    Machine machine;
    auto context = machine.context();
    machine.directories.apply(machine.directory(kPrimary), context);
    machine.certificates.apply(machine.certs(kPrimary), context);
    machine.data_directories.apply(machine.data(kPrimary), context);
    machine.configs.apply(machine.config(kPrimary, settings(), {}, {"m a b", "m /^(.*@x y"}), context);

    const auto error = error_of([&] { machine.servers.apply(machine.server(kPrimary), context); });
    CAPTURE_BOUND(error);
    CHECK(error.find("pg_ident.conf: line") != std::string::npos);

    machine.configs.apply(machine.config(kPrimary, settings(), {}, {"m a b"}), context);
    machine.servers.apply(machine.server(kPrimary), context);
    CHECK(machine.ask(kPrimary, "SELECT count(*) FROM pg_ident_file_mappings WHERE map_name = 'm'") == "1");
}

TEST_CASE("a first start that fails leaves nothing to take back, and another configuration starts") {
    Machine machine;
    auto context = machine.context();
    machine.directories.apply(machine.directory(kPrimary), context);
    machine.certificates.apply(machine.certs(kPrimary), context);
    machine.data_directories.apply(machine.data(kPrimary), context);
    machine.configs.apply(machine.config(kPrimary, with("shared_buffers", "3TB")), context);

    const auto error = error_of([&] { machine.servers.apply(machine.server(kPrimary), context); });
    CHECK(error.find("shared memory") != std::string::npos);
    CHECK(error.find("put back") == std::string::npos);

    machine.configs.apply(machine.config(kPrimary), context);
    machine.servers.apply(machine.server(kPrimary), context);
    CHECK(machine.ask(kPrimary, "SHOW shared_buffers") == "16MB");
}

TEST_CASE("a replica asks its primary to notice soon when it hangs, the primary has the patience of PostgreSQL") {
    Machine machine;
    machine.make(kPrimary);
    auto context = machine.context();
    connect_locally(machine.host.runtime(), kPrimary, "postgres", Limit(60s))
        .run("CREATE ROLE patroni_replicator LOGIN REPLICATION", Limit(60s));
    machine.slots.apply(machine.slot(), context);
    machine.make(kReplica);

    CHECK(machine.ask(kPrimary, "SHOW wal_sender_timeout") == "1min");
    CHECK(machine.ask(kReplica, "SHOW primary_conninfo").find("wal_sender_timeout=5s") != std::string::npos);
    CHECK(comes_true([&] {
        return machine.ask(kPrimary, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "1";
    }));
    // The walsender of a replica that hangs ends long before a minute has passed.
    const auto wal_receiver = machine.ask(kReplica, "SELECT pid FROM pg_stat_wal_receiver");
    const auto pid = static_cast<pid_t>(std::stoi(wal_receiver));
    ::kill(pid, SIGSTOP);
    CHECK(comes_true(
        [&] {
            return machine.ask(kPrimary, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "0";
        },
        30s));
    ::kill(pid, SIGCONT);
}
