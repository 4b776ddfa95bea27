// The kinds that make a server, on real PostgreSQL: directories to a running primary with a streaming replica.
#include <atomic>
#include <thread>

#include <doctest/doctest.h>
#include <signal.h>

#include "agent/resources/instance_monitor.hpp"
#include "tests/integration/agent/resources/machine.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

TEST_CASE("a primary and its streaming replica are made, and made again without effect") {
    Machine machine;
    machine.make(kPrimary);
    auto context = machine.context();
    // The replication user is database.instance's matter; here the test makes it.
    connect_locally(machine.host.runtime(), kPrimary, "postgres", Limit(60s))
        .run("CREATE ROLE patroni_replicator LOGIN REPLICATION", Limit(60s));
    machine.slots.apply(machine.slot(), context);
    machine.make(kReplica);
    CHECK(machine.ask(kPrimary, "CREATE TABLE t AS SELECT 7 AS n").empty() == false);

    const auto started = machine.ask(kReplica, "SELECT pg_postmaster_start_time()");
    machine.slots.apply(machine.slot(), context);
    machine.make(kPrimary);
    machine.make(kReplica);

    CHECK(machine.ask(kReplica, "SELECT pg_is_in_recovery()") == "t");
    CHECK(comes_true([&] { return machine.ask(kReplica, "SELECT to_regclass('t')") == "t"; }));
    CHECK(machine.ask(kReplica, "SELECT n FROM t") == "7");
    CHECK(machine.ask(kPrimary, "SELECT slot_name FROM pg_replication_slots WHERE active") == kSlot);
    CHECK(machine.ask(kPrimary, "SHOW data_checksums") == "on");
    CHECK(machine.ask(kReplica, "SELECT pg_postmaster_start_time()") == started);
    CHECK(machine.ask(kPrimary, "SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL") == "0");
}

TEST_CASE("nobody gets in over the network as superuser without a certificate") {
    Machine machine;
    machine.make(kPrimary);
    ConnectOptions options;
    options.host = kPrimaryAddress;
    options.port = 5432;
    options.more = {{"sslmode", "require"}};

    CHECK_THROWS_AS(Connection(options, Limit(60s)), Error);

    const CertificateFiles files(machine.paths(kPrimary));
    options.more = {{"sslmode", "verify-full"},
                    {"sslrootcert", files.authority},
                    {"sslcert", files.superuser},
                    {"sslkey", files.superuser_key}};
    CHECK(Connection(options, Limit(60s)).run("SELECT current_user", Limit(60s)).value() == "pgedge");
}

namespace {

/// Logs in over the network with copies of an instance's certificates as they are now.
class Login {
public:
    Login(const Machine& machine, const std::string& instance, const std::string& name)
        : copies_(machine.host.data_dir() / name) {
        const CertificateFiles files(machine.paths(instance));
        make_directory(copies_, 0700);
        std::filesystem::copy(files.authority, copies_ / "ca.crt");
        std::filesystem::copy(files.superuser, copies_ / "pgedge.crt");
        std::filesystem::copy(files.superuser_key, copies_ / "pgedge.key");
        std::filesystem::copy(files.replicator, copies_ / "patroni_replicator.crt");
        std::filesystem::copy(files.replicator_key, copies_ / "patroni_replicator.key");
    }
    bool works(const std::string& user = "pgedge") const {
        ConnectOptions options;
        options.host = kPrimaryAddress;
        options.port = 5432;
        options.user = user;
        options.more = {{"sslmode", "verify-full"},
                        {"sslrootcert", copies_ / "ca.crt"},
                        {"sslcert", copies_ / (user + ".crt")},
                        {"sslkey", copies_ / (user + ".key")}};
        if (user != "pgedge") options.more["replication"] = "true";
        try {
            const Connection session(options, Limit(60s));
            return true;
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::denied);
            return false;
        }
    }

private:
    const std::filesystem::path copies_;
};

}  // namespace

TEST_CASE("certificates of another database's instances are of no use at a server") {
    Machine machine;
    machine.make(kPrimary);
    auto context = machine.context();
    connect_locally(machine.host.runtime(), kPrimary, "postgres", Limit(60s))
        .run("CREATE ROLE patroni_replicator LOGIN REPLICATION", Limit(60s));
    machine.directories.apply(machine.directory(kReplica), context);
    machine.certificates.apply(machine.certs(kReplica), context);
    const Login same(machine, kReplica, "same");
    machine.database = "bank";
    machine.certificates.apply(machine.certs(kReplica), context);
    const Login other(machine, kReplica, "other");

    for (const char* user : {"pgedge", "patroni_replicator"}) {
        CHECK(same.works(user));
        CHECK_FALSE(other.works(user));
    }
}

TEST_CASE("servers of an earlier version go over to certificates of their own with nobody locked out on the way") {
    Machine machine;
    auto context = machine.context();
    machine.database.clear();
    machine.make(kPrimary);
    connect_locally(machine.host.runtime(), kPrimary, "postgres", Limit(60s))
        .run("CREATE ROLE patroni_replicator LOGIN REPLICATION", Limit(60s));
    const Login before(machine, kPrimary, "before");
    CHECK(before.works());

    machine.database = "shop";
    machine.takes_shared = true;
    machine.configs.apply(machine.config(kPrimary), context);
    machine.certificates.apply(machine.certs(kPrimary), context);
    const Login after(machine, kPrimary, "after");
    CHECK(comes_true([&] { return after.works(); }));
    CHECK(comes_true([&] { return after.works("patroni_replicator"); }));
    CHECK(before.works());
    CHECK(before.works("patroni_replicator"));

    machine.takes_shared = false;
    machine.configs.apply(machine.config(kPrimary), context);
    CHECK(comes_true([&] { return !before.works(); }));
    CHECK_FALSE(before.works("patroni_replicator"));
    CHECK(after.works());
    CHECK(after.works("patroni_replicator"));
}

TEST_CASE("what reloads does not restart, what needs a restart does") {
    Machine machine;
    machine.make(kPrimary);
    auto context = machine.context();
    const auto started = machine.ask(kPrimary, "SELECT pg_postmaster_start_time()");

    Json wanted = settings();
    wanted["work_mem"] = "5MB";
    machine.configs.apply(machine.config(kPrimary, wanted, {"host all reporting 10.0.0.0/8 scram-sha-256"}), context);
    machine.servers.apply(machine.server(kPrimary), context);
    CHECK(comes_true([&] { return machine.ask(kPrimary, "SHOW work_mem") == "5MB"; }));
    CHECK(machine.ask(kPrimary, "SELECT count(*) FROM pg_hba_file_rules WHERE 'reporting' = ANY (user_name)") == "1");
    CHECK(machine.ask(kPrimary, "SELECT pg_postmaster_start_time()") == started);

    wanted["max_connections"] = "30";
    machine.configs.apply(machine.config(kPrimary, wanted), context);
    machine.servers.apply(machine.server(kPrimary), context);
    CHECK(machine.ask(kPrimary, "SHOW max_connections") == "30");
    CHECK(machine.ask(kPrimary, "SELECT pg_postmaster_start_time()") != started);
    CHECK(machine.told == std::vector<std::string>{"restarting shop-n1-689qacsi for max_connections"});
}

TEST_CASE("a running server's files stay as they were when it refuses the new ones") {
    Machine machine;
    machine.make(kPrimary);
    auto context = machine.context();
    const auto before = read_file(machine.paths(kPrimary).config_file());
    Json wanted = settings();
    wanted["work_mem"] = "lots";

    CHECK_THROWS_WITH_AS(machine.configs.apply(machine.config(kPrimary, wanted), context),
                         doctest::Contains("work_mem"), Error);
    CHECK_THROWS_WITH_AS(
        machine.configs.apply(machine.config(kPrimary, settings(), {"host all all 10.0.0.0/8 nonsense"}), context),
        doctest::Contains("pg_hba.conf line"), Error);

    CHECK(read_file(machine.paths(kPrimary).config_file()) == before);
    CHECK(machine.ask(kPrimary, "SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL") == "0");
}

TEST_CASE("a half made data directory is made anew, and a removed one is gone") {
    Machine machine;
    auto context = machine.context();
    machine.directories.apply(machine.directory(kPrimary), context);
    machine.certificates.apply(machine.certs(kPrimary), context);
    const auto data = machine.paths(kPrimary).data();
    machine.host.user().make_directory(data.string() + ".unfinished", 0700);
    machine.host.user().write_file(data.string() + ".unfinished/PG_VERSION", "15\n", 0600);
    CHECK(machine.data_directories.observe(machine.data(kPrimary), context) == Observed::missing);

    machine.make(kPrimary);
    CHECK(machine.data_directories.observe(machine.data(kPrimary), context) == Observed::as_known);
    machine.servers.remove(machine.server(kPrimary), context);
    machine.data_directories.remove(machine.data(kPrimary), context);
    machine.directories.remove(machine.directory(kPrimary), context);
    machine.servers.remove(machine.server(kPrimary), context);
    machine.data_directories.remove(machine.data(kPrimary), context);

    CHECK(machine.host.runtime().state(kPrimary) == ServerState::absent);
    CHECK_FALSE(std::filesystem::exists(machine.paths(kPrimary).directory()));
}

TEST_CASE("a copy whose primary is killed meanwhile begins again, and leaves nothing of the first try") {
    Machine machine;
    machine.make(kPrimary);
    auto context = machine.context();
    connect_locally(machine.host.runtime(), kPrimary, "postgres", Limit(60s))
        .run("CREATE ROLE patroni_replicator LOGIN REPLICATION", Limit(60s));
    machine.ask(kPrimary, "CREATE TABLE t AS SELECT n, repeat('x', 1000) FROM generate_series(1, 200000) n");
    machine.slots.apply(machine.slot(), context);
    const auto parent = machine.paths(kReplica).data().parent_path();
    const auto begun = [&] {
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(parent, error))
            if (std::filesystem::exists(entry.path() / "base" / "1")) return true;
        return false;
    };
    constexpr std::size_t kKills = 2;
    std::jthread killer([&] {
        for (std::size_t killed = 0; killed < kKills; ++killed) {
            comes_true([&] { return machine.lines_told >= killed && begun(); }, 120s);
            ::kill(machine.host.postmaster_pid(server_of(machine.host.runtime(), kPrimary)), SIGKILL);
            comes_true([&] { return machine.lines_told > killed; }, 120s);
        }
    });

    machine.make(kReplica);
    killer.join();

    CHECK(machine.told.size() >= kKills);
    for (const auto& line : machine.told) CHECK_MESSAGE(line.starts_with("the copy was broken off"), line);
    CHECK(machine.ask(kReplica, "SELECT count(*) FROM t") == "200000");
    std::size_t entries = 0;
    for (const auto& entry : std::filesystem::directory_iterator(parent)) {
        CHECK(entry.path() == machine.paths(kReplica).data());
        ++entries;
    }
    CHECK(entries == 1);
}

TEST_CASE("a slot is dropped also while its replica reads from it") {
    Machine machine;
    machine.make(kPrimary);
    auto context = machine.context();
    connect_locally(machine.host.runtime(), kPrimary, "postgres", Limit(60s))
        .run("CREATE ROLE patroni_replicator LOGIN REPLICATION", Limit(60s));
    machine.slots.apply(machine.slot(), context);
    machine.make(kReplica);
    CHECK(comes_true([&] { return machine.ask(kPrimary, "SELECT active FROM pg_replication_slots") == "t"; }));

    machine.slots.remove(machine.slot(), context);
    machine.slots.remove(machine.slot(), context);

    CHECK(machine.ask(kPrimary, "SELECT count(*) FROM pg_replication_slots") == "0");
    CHECK(machine.slots.observe(machine.slot(), context) == Observed::missing);

    machine.host.owner().stop(kPrimary, StopMode::fast, Limit(60s));
    CHECK(machine.slots.observe(machine.slot(), context) == Observed::unseen);  // only its server can be mended now
}

TEST_CASE("a server is looked at also while its application's database is not there, and in it as soon as it is") {
    Machine machine;
    Json with_library = settings();
    with_library["shared_preload_libraries"] = "pglogical";
    machine.make(kPrimary, with_library);
    InstanceMonitor monitor(machine.host.runtime(), kPrimary, "pglogical", "shop");

    const auto before = monitor.look(WallTime(5s), Limit(10s));
    machine.ask(kPrimary, "CREATE DATABASE shop");
    auto shop = connect_locally(machine.host.runtime(), kPrimary, "shop", Limit(10s));
    shop.run("CREATE EXTENSION pglogical", Limit(10s));
    shop.run("SELECT pglogical.create_node('n1', 'dbname=shop')", Limit(10s));
    const auto after = monitor.look(WallTime(10s), Limit(10s));

    CHECK(before.postgres_state == "running");
    CHECK(before.postgres_version ==
          machine.ask(kPrimary, "SHOW server_version").substr(0, before.postgres_version.size()));
    CHECK(before.postgres_version != "");
    CHECK(before.role == "primary");
    CHECK(before.extension_version == "");
    CHECK(after.role == "primary");
    CHECK(after.extension_version != "");
}
