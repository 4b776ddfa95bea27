// Kinds that need no server: directories and certificates.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/resources/filesystem_dir.hpp"
#include "agent/resources/postgres_certs.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/test_authority.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

struct Desk {
    std::filesystem::path data_dir = std::filesystem::temp_directory_path() / ("pgedge-" + random_hex(4));
    InstanceUser user = InstanceUser::find(std::nullopt);
    TestAuthority authority;
    StepContext context{Limit(10s), "shop", [](const SecretRef&) { return Secret(); }, [](std::string_view) {}};
    FilesystemDir directories{data_dir, user};
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
