#include "agent/cluster/member_files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;
using pgedge::testing::TemporaryDirectory;

namespace {

Credentials sample() {
    const KeyPair authority = make_authority("cluster");
    return {authority.certificate, issue_certificate(authority, {"host-1", {}, {}, true, true}),
            Secret(std::string(32, 'k'))};
}

mode_t mode_of(const std::filesystem::path& path) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 0777 : 0;
}

}  // namespace

TEST_CASE("a host that never began has no record, and later the one it wrote") {
    const TemporaryDirectory directory;
    const MemberFiles files(directory.path());
    CHECK(files.record() == std::nullopt);

    const MemberRecord record{MemberState::joining, "c", "host-1", 18'446'744'073'709'551'615U, "ab"};
    files.set_record(record);

    CHECK(MemberFiles(directory.path()).record() == record);
}

TEST_CASE("a record that cannot be understood is an error and not a host without a cluster") {
    const TemporaryDirectory directory;
    for (const char* text :
         {"", "{}", "[]",
          "{\"state\":\"lost\",\"cluster_id\":\"\",\"host_id\":\"\",\"node_id\":1,\"authority\":\"\"}"}) {
        write_file(directory.path() / "cluster.json", text);
        CHECK_THROWS_AS(MemberFiles(directory.path()).record(), Error);
    }
}

TEST_CASE("credentials come back as they were, and nobody else may read the keys") {
    const TemporaryDirectory directory;
    const MemberFiles files(directory.path());
    const Credentials given = sample();

    files.set_credentials(given);
    const Credentials found = files.credentials();

    CHECK(found.authority == given.authority);
    CHECK(found.own.certificate == given.own.certificate);
    CHECK(found.own.key == given.own.key);
    CHECK(found.cluster_key == given.cluster_key);
    CHECK(mode_of(directory.path() / "certificates") == 0700);
    CHECK(mode_of(directory.path() / "certificates/host.key") == 0600);
    CHECK(mode_of(directory.path() / "certificates/secret.key") == 0600);
}

TEST_CASE("damaged credentials are named before anything is done with them") {
    for (const char* name : {"host.key", "secret.key", "ca.crt"}) {
        CAPTURE(name);
        const TemporaryDirectory directory;
        const MemberFiles files(directory.path());
        files.set_credentials(sample());
        write_file(directory.path() / "certificates" / name, "00");
        CHECK_THROWS_AS(files.credentials(), Error);
        std::filesystem::remove(directory.path() / "certificates" / name);
        CHECK_THROWS_AS(files.credentials(), Error);
    }
}

TEST_CASE("a renewed certificate is in force with its key, also when only the first of its files was written") {
    const TemporaryDirectory directory;
    const MemberFiles files(directory.path());
    files.set_credentials(sample());
    const Credentials renewed = sample();

    files.set_credentials({renewed.authority, renewed.own, renewed.cluster_key});
    std::filesystem::remove(directory.path() / "certificates/host.crt");

    CHECK(files.credentials().own.certificate == renewed.own.certificate);
}
