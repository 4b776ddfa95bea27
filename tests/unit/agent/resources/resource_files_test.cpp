// Kinds that need no server: directories and certificates.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/resources/data_directory.hpp"
#include "agent/resources/filesystem_dir.hpp"
#include "agent/resources/postgres_certs.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/no_servers.hpp"
#include "tests/fakes/test_authority.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

/// Notes which servers were stopped and forgotten.
struct FakeOwner final : ServerOwner {
    std::vector<std::string> calls;
    void start(const ServerSpec&, const Limit&) override {}
    void restart(const std::string&, const Limit&) override {}
    void stop(const std::string& id, StopMode, const Limit&) override { calls.push_back("stop " + id); }
    void forget(const std::string& id) override { calls.push_back("forget " + id); }
};

struct Desk {
    std::filesystem::path data_dir = std::filesystem::temp_directory_path() / ("pgedge-" + random_hex(4));
    InstanceUser user = InstanceUser::find(std::nullopt);
    TestAuthority authority;
    StepContext context{Limit(10s), "shop", [](const SecretRef&) { return Secret(); }, [](std::string_view) {},
                        WallTime{}};
    testing::NoServers runtime;
    FakeOwner owner;
    FilesystemDir directories{data_dir, user, owner};
    PostgresCerts certificates{data_dir, user, authority};
    InstancePaths paths{data_dir, "shop-n1-689qacsi"};

    Desk() { make_directory(data_dir); }
    ~Desk() { std::filesystem::remove_all(data_dir); }
    static Resource directory() {
        return {{"filesystem.dir", "shop-n1-689qacsi"}, "host-1", {}, {{"instance_id", "shop-n1-689qacsi"}}, {}};
    }
    static Resource certs(const std::vector<std::string>& addresses) {
        return {{"common.postgres_certs", "shop-n1-689qacsi"},
                "host-1",
                {},
                {{"instance_id", "shop-n1-689qacsi"}, {"addresses", addresses}},
                {}};
    }
};

struct stat status_of(const std::filesystem::path& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status;
}

}  // namespace

TEST_CASE("an instance's user owns its data, and not the directories whose files the agent reads") {
    Desk desk;
    CHECK(desk.directories.observe(Desk::directory(), desk.context) == Observed::missing);

    desk.directories.apply(Desk::directory(), desk.context);
    desk.directories.apply(Desk::directory(), desk.context);

    CHECK(desk.directories.observe(Desk::directory(), desk.context) == Observed::as_known);
    const auto data = status_of(desk.paths.data().parent_path());
    CHECK((data.st_mode & 0777) == 0700);
    CHECK(data.st_uid == desk.user.uid);
    for (const auto& path : {desk.paths.configs(), desk.paths.certificates()}) {
        CHECK((status_of(path).st_mode & 0777) == 0711);
        CHECK(status_of(path).st_uid == ::geteuid());
    }
}

TEST_CASE("what an earlier instance of the same id left behind is put aside, whole, and not taken over") {
    Desk desk;
    desk.context.instance_created_at = parse_rfc3339("2026-11-20T10:00:00Z");
    desk.directories.apply(Desk::directory(), desk.context);
    make_directory(desk.paths.data());
    write_file(desk.paths.data() / "PG_VERSION", "15");
    desk.directories.apply(Desk::directory(), desk.context);
    CHECK(std::filesystem::exists(desk.paths.data() / "PG_VERSION"));
    CHECK(desk.owner.calls.empty());

    std::string told;
    desk.context.tell = [&](std::string_view message) { told = message; };
    desk.context.instance_created_at = parse_rfc3339("2026-11-22T10:00:00Z");
    desk.directories.apply(Desk::directory(), desk.context);
    desk.directories.apply(Desk::directory(), desk.context);

    CHECK_FALSE(std::filesystem::exists(desk.paths.data()));
    CHECK(desk.directories.observe(Desk::directory(), desk.context) == Observed::as_known);
    CHECK(desk.owner.calls == std::vector<std::string>{"stop shop-n1-689qacsi", "forget shop-n1-689qacsi"});
    std::vector<std::filesystem::path> left;
    for (const auto& entry : std::filesystem::directory_iterator(desk.data_dir / "left")) left.push_back(entry.path());
    REQUIRE(left.size() == 1);
    CHECK(read_file(left[0] / "data" / "pgdata" / "PG_VERSION") == "15");
    CHECK(told.find("made 2026-11-20T10:00:00.000Z") != std::string::npos);
    CHECK(told.find(left[0].string()) != std::string::npos);
}

TEST_CASE("removing the directories deletes all, and removing them again does nothing") {
    Desk desk;
    desk.directories.apply(Desk::directory(), desk.context);
    write_file(desk.paths.configs() / "postgresql.conf", "port = 1");
    make_directory(desk.data_dir / "run");
    write_file(desk.paths.guard_file(".log"), "what its guard said");

    desk.directories.remove(Desk::directory(), desk.context);
    desk.directories.remove(Desk::directory(), desk.context);

    CHECK_FALSE(std::filesystem::exists(desk.paths.directory()));
    CHECK(std::filesystem::is_empty(desk.data_dir / "run"));
}

TEST_CASE("an id that is no file name is refused before anything is deleted") {
    Desk desk;
    Resource evil = Desk::directory();
    evil.want["instance_id"] = "../../etc";

    CHECK_THROWS_AS(desk.directories.remove(evil, desk.context), Error);
}

TEST_CASE("a copied directory is marked as a replica's by its user, who may have made a link of it") {
    Desk desk;
    desk.directories.apply(Desk::directory(), desk.context);
    DataDirectory kind(desk.data_dir, desk.user, desk.runtime, desk.owner);
    desk.context.primary = {"n1", "shop-n1-9ptayhma", "host-2", "127.0.0.11", 1, 1};
    const auto copied_by = [&](const std::string& script) {
        make_directory(desk.data_dir / "bin");
        write_file(desk.data_dir / "bin/pg_basebackup", "#!/bin/sh\ninto=${1#--pgdata=}\n" + script, 0755);
        kind.apply({{"instance.data", "shop-n1-689qacsi"},
                    "host-1",
                    {},
                    {{"instance_id", "shop-n1-689qacsi"},
                     {"bin_dir", (desk.data_dir / "bin").string()},
                     {"make", "copy"},
                     {"slot", "s"},
                     {"origin", "shop-n1-9ptayhma"}},
                    {}},
                   desk.context);
    };
    const auto ours = desk.data_dir / "ours";
    make_directory(ours, 0711);

    if (desk.user.other) {
        CHECK_THROWS_WITH_AS(copied_by("ln -s " + ours.string() + " $into"), doctest::Contains("ermission denied"),
                             Error);
        CHECK(std::filesystem::is_empty(ours));
    }
    copied_by("mkdir -m 700 $into && echo 15 >$into/PG_VERSION");
    CHECK(status_of(desk.paths.data() / "standby.signal").st_uid == desk.user.uid);
}

TEST_CASE("certificates are made once and keys are private") {
    Desk desk;
    desk.directories.apply(Desk::directory(), desk.context);
    desk.certificates.apply(Desk::certs({"127.0.0.11"}), desk.context);
    const CertificateFiles files(desk.paths);
    const auto first = read_file(files.server);

    desk.certificates.apply(Desk::certs({"127.0.0.11"}), desk.context);

    CHECK(read_file(files.server) == first);
    CHECK(desk.certificates.observe(Desk::certs({"127.0.0.11"}), desk.context) == Observed::as_known);
    for (const auto& key : {files.server_key, files.superuser_key, files.replicator_key}) {
        CHECK((status_of(key).st_mode & 0777) == 0600);
        CHECK(status_of(key).st_uid == desk.user.uid);
    }
}

TEST_CASE("another address or a lost file makes them again") {
    Desk desk;
    desk.directories.apply(Desk::directory(), desk.context);
    desk.certificates.apply(Desk::certs({"127.0.0.11"}), desk.context);
    const CertificateFiles files(desk.paths);
    const auto first = read_file(files.server);

    desk.certificates.apply(Desk::certs({"127.0.0.12"}), desk.context);
    const auto second = read_file(files.server);
    std::filesystem::remove(files.replicator_key);
    CHECK(desk.certificates.observe(Desk::certs({"127.0.0.12"}), desk.context) == Observed::missing);
    desk.certificates.apply(Desk::certs({"127.0.0.12"}), desk.context);

    CHECK(second != first);
    CHECK(std::filesystem::exists(files.replicator_key));
}

}  // namespace pgedge
