#pragma once

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <signal.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/subprocess.hpp"
#include "common/base/text.hpp"
#include "tests/fakes/temporary_directory.hpp"

namespace pgedge::testing {

inline constexpr const char* kSshdAddress = "127.17.0.9";

inline std::string run_here(const std::vector<std::string>& words) {
    Command command;
    command.argv = words;
    return run_or_throw(command, Limit(std::chrono::seconds(60)));
}

/// An sshd of this machine on loopback with keys made for it, and a client's files beside it: ssh_config in which it is
/// called db-1, known_hosts, keys. Ends with all its connections.
class Sshd {
public:
    const TemporaryDirectory directory;
    const int port;

    /// `programs`: the PATH of those who log in.
    explicit Sshd(std::string programs, const std::string& host_key = "ed25519")
        : port(20'000 + static_cast<int>(std::hash<std::string>()(directory.path().string()) % 10'000)),
          programs_(std::move(programs)) {
        make_host_key(host_key);
        make_directory("/run/sshd");  // where sshd of Debian, when it is root, wants to be locked up
        write_file(file("authorized_keys"), "");
        write_file(file("ssh_config"), "Host db-1\n  HostName " + std::string(kSshdAddress) + "\n  Port " +
                                           std::to_string(port) + "\n  UserKnownHostsFile " + file("known_hosts") +
                                           "\n  GlobalKnownHostsFile /dev/null\n  IdentityFile " + file("id") +
                                           "\n  IdentitiesOnly yes\n");
        start();
    }
    ~Sshd() { stop(); }

    std::string file(const std::string& name) const { return (directory.path() / name).string(); }

    void make_host_key(const std::string& type) {
        std::filesystem::remove(file("host_key"));
        run_here({"ssh-keygen", "-q", "-t", type, "-N", "", "-f", file("host_key")});
    }
    /// A key of the user, which sshd accepts.
    void make_user_key(const std::string& type, const std::string& passphrase = "", bool accept = true) {
        for (const char* name : {"id", "id.pub"}) std::filesystem::remove(file(name));
        run_here({"ssh-keygen", "-q", "-t", type, "-N", passphrase, "-f", file("id")});
        write_file(file("authorized_keys"), accept ? read_file(file("id.pub")) : "");
    }
    void know_host() {
        const auto words = split(read_file(file("host_key.pub")), ' ');
        write_file(file("known_hosts"), "[" + std::string(kSshdAddress) + "]:" + std::to_string(port) + " " +
                                            words.at(0) + " " + std::string(trimmed(words.at(1))) + "\n");
    }
    std::string host_fingerprint() const {
        return split(run_here({"ssh-keygen", "-l", "-f", file("host_key.pub")}), ' ').at(1);
    }

    void start() {
        write_file(file("sshd_config"),
                   "ListenAddress " + std::string(kSshdAddress) + ":" + std::to_string(port) + "\nHostKey " +
                       file("host_key") + "\nAuthorizedKeysFile " + file("authorized_keys") +
                       "\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
                       "PermitRootLogin yes\nPidFile " +
                       file("pid") + "\nSetEnv PATH=" + programs_ + "\n");
        daemon_ = std::jthread([this](const std::stop_token& stop) {
            Command command;
            command.argv = {"/usr/sbin/sshd", "-D", "-e", "-f", file("sshd_config")};
            try {
                said_ = run(command, Limit(std::chrono::minutes(10), stop)).output;
            } catch (const Error&) {
                // It was told to end.
            }
        });
        const Limit limit(std::chrono::seconds(30));
        Command look;
        look.argv = {"ssh-keyscan", "-T", "5", "-p", std::to_string(port), kSshdAddress};
        while (run(look, limit).output.find(" ssh-") == std::string::npos &&
               run(look, limit).output.find(" ecdsa-") == std::string::npos)
            REQUIRE_MESSAGE(limit.pause(std::chrono::milliseconds(50)), "sshd does not start: ", said_);
    }
    /// All connections are cut: each has a process of its own, which outlives the one that listens.
    void stop() {
        const auto pid = read_file_if_there(file("pid"));
        if (!pid) return;
        const std::string id(trimmed(*pid));
        const std::string connections = read_file("/proc/" + id + "/task/" + id + "/children");
        daemon_ = {};
        std::filesystem::remove(file("pid"));
        for (const auto& one : split(connections, ' '))
            if (const int connection = std::atoi(one.c_str()); connection > 0) ::kill(connection, SIGKILL);
    }

private:
    const std::string programs_;
    std::string said_;
    std::jthread daemon_;
};

}  // namespace pgedge::testing
