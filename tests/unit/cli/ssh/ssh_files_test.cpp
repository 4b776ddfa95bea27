#include <doctest/doctest.h>

#include "cli/ssh/known_hosts.hpp"
#include "cli/ssh/private_key.hpp"
#include "cli/ssh/ssh_address.hpp"
#include "cli/ssh/ssh_settings.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/subprocess.hpp"
#include "tests/fakes/temporary_directory.hpp"

namespace pgedge {
namespace {

std::size_t known(const std::filesystem::path& file, const std::string& host, int port = 22) {
    return known_hosts({file}, host, port).size();
}

}  // namespace

TEST_CASE("SSH addresses come apart and together again") {
    const SshAddress whole{"ops", "host-1", 2222, "/run/agent.sock"};
    CHECK(parse_ssh_address("ssh://ops@host-1:2222/run/agent.sock") == whole);
    CHECK(to_string(whole) == "ssh://ops@host-1:2222/run/agent.sock");
    CHECK(parse_ssh_address("ssh://host-1") == SshAddress{"", "host-1", 0, ""});
    CHECK(parse_ssh_address("ssh://host-1/") == SshAddress{"", "host-1", 0, ""});
    CHECK(parse_ssh_address("ssh://[fe80::1%eth0]:22").host == "fe80::1%eth0");
    CHECK(to_string(parse_ssh_address("ssh://root@[2001:db8::1]")) == "ssh://root@[2001:db8::1]");
    for (const char* bad : {"ssh://", "ssh://@host", "ssh://ops:word@host", "ssh://-Fx", "ssh://-l@host",
                            "ssh://host:0", "ssh://host:70000", "ssh://host:x", "ssh://a b", "ssh://host/$(id)",
                            "ssh://host/a'b", "ssh://[::1", "ssh://[::1]22", "http://host"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(parse_ssh_address(bad), Error);
    }
}

TEST_CASE("known_hosts: lists, wildcards, negation, ports, markers, hashes") {
    const testing::TemporaryDirectory directory;
    const auto file = directory.path() / "known_hosts";
    write_file(file,
               "# a comment\n"
               "host-1,192.0.2.1 ssh-ed25519 QUJD\n"
               "*.example,!bad.example\tssh-ed25519 QUJD comment\n"
               "[host-1]:2222 ssh-ed25519 REVG\n"
               "@revoked host-3 ssh-rsa QUJD\n"
               "host-4 ssh-ed25519 ===broken\n"
               "host-4\n");
    CHECK(known(file, "host-1") == 1);
    CHECK(known(file, "HOST-1") == 1);
    CHECK(known(file, "192.0.2.1") == 1);
    CHECK(known(file, "host-1", 2222) == 1);
    CHECK(known_hosts({file}, "host-1", 2222).at(0).key == HostKey{"ssh-ed25519", "DEF"});
    CHECK(known(file, "a.example") == 1);
    CHECK(known(file, "bad.example") == 0);
    CHECK(known(file, "host-2") == 0);
    CHECK(known_hosts({file}, "host-3", 22).at(0).marker == "@revoked");
    CHECK(known_hosts({file}, "host-3", 22).at(0).line == 5);
    CHECK(known(file, "host-4") == 0);
    CHECK(known(directory.path() / "none", "host-1") == 0);

    Command hash;
    hash.argv = {"ssh-keygen", "-q", "-H", "-f", file.string()};
    write_file(file, "host-1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE6mGQyvKJ4d7G1YcIuUjXkQeXVc3mU3o3o3o3o3o3o3\n");
    run_or_throw(hash, Limit(std::chrono::seconds(30)));
    REQUIRE(read_file(file).starts_with("|1|"));
    CHECK(known(file, "host-1") == 1);
    CHECK(known(file, "host-2") == 0);

    add_known_host(file, known_hosts_line("host-5", 2222, {"ssh-ed25519", "ABC"}));
    CHECK(known(file, "host-5", 2222) == 1);
    CHECK(known(file, "host-1") == 1);
}

TEST_CASE("a private key tells its type and whether it needs a passphrase") {
    const testing::TemporaryDirectory directory;
    const auto made = [&](const std::string& type, const std::string& passphrase) {
        const auto file = directory.path() / (type + passphrase);
        Command make;
        make.argv = {"ssh-keygen", "-q", "-t", type, "-N", passphrase, "-f", file.string()};
        run_or_throw(make, Limit(std::chrono::seconds(30)));
        return look_at_key(file);
    };
    CHECK(made("ed25519", "")->type == PrivateKey::Type::ed25519);
    CHECK_FALSE(made("ecdsa", "")->encrypted);
    CHECK(made("ecdsa", "a word")->type == PrivateKey::Type::ecdsa);
    CHECK(made("ed25519", "a word")->encrypted);
    CHECK_FALSE(look_at_key(directory.path() / "ed25519.pub").has_value());
    CHECK_FALSE(look_at_key(directory.path() / "none").has_value());
    write_file(directory.path() / "cut", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n");
    CHECK_FALSE(look_at_key(directory.path() / "cut").has_value());
}

TEST_CASE("what ssh -G prints") {
    const SshEnvironment environment{"/home/ops", "ops", "/run/agent", ""};
    const auto settings = read_ssh_settings(
        "hostname 192.0.2.1\nuser deploy\nport 2222\nidentityfile ~/.ssh/id_ed25519\nidentityfile /keys/b\n"
        "identitiesonly yes\nuserknownhostsfile /home/ops/.ssh/known_hosts /x\nglobalknownhostsfile /etc/y\n"
        "hostkeyalias h1\nproxyjump none\n",
        {"", "h1", 0, ""}, environment);
    CHECK(settings.host == "192.0.2.1");
    CHECK(settings.user == "deploy");
    CHECK(settings.port == 2222);
    CHECK(settings.key_alias == "h1");
    CHECK(settings.identities_only);
    CHECK(settings.agent == "/run/agent");
    CHECK(settings.identities == std::vector<std::filesystem::path>{"/home/ops/.ssh/id_ed25519", "/keys/b"});
    CHECK(settings.known_hosts == std::vector<std::filesystem::path>{"/home/ops/.ssh/known_hosts", "/x", "/etc/y"});
    CHECK(settings.needs_ssh.empty());
    CHECK(read_ssh_settings("proxyjump gate\n", {"", "h1", 0, ""}, environment).needs_ssh == "ProxyJump");
    CHECK(read_ssh_settings("identityagent none\n", {"", "h1", 0, ""}, environment).agent.empty());
    CHECK(read_ssh_settings("", {"root", "h1", 23, ""}, environment).user == "root");
    CHECK(read_ssh_settings("", {"root", "h1", 23, ""}, environment).port == 23);
}

}  // namespace pgedge
