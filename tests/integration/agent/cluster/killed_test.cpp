#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.hpp"
#include "tests/integration/agent/cluster/test_agent.hpp"

using namespace pgedge;
using namespace pgedge::testing;

namespace {

/// cluster_process; killed when this dies.
class Process {
public:
    Process(int number, const std::filesystem::path& directory, const std::string& what) {
        int in[2], out[2];
        REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
        REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        std::string program = CLUSTER_PROCESS, first = std::to_string(number), second = directory.string(),
                    third = what;
        char* argv[] = {program.data(), first.data(), second.data(), third.data(), nullptr};
        REQUIRE(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv, environ) == 0);
        ::posix_spawn_file_actions_destroy(&actions);
        Fd(in[0]).reset();
        Fd(out[1]).reset();
        input_ = Fd(in[1]);
        output_ = Fd(out[0]);
    }
    ~Process() { kill(); }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    /// What it says within the time; empty when it says nothing.
    std::string says(std::chrono::milliseconds at_most) {
        pollfd watched{output_.get(), POLLIN, 0};
        if (::poll(&watched, 1, static_cast<int>(at_most.count())) <= 0) return "";
        char text[1024];
        const auto size = ::read(output_.get(), text, sizeof text);
        return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : "";
    }
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
    }

private:
    pid_t pid_ = -1;
    Fd input_, output_;
};

/// Kills the process again and again, later each time, until it gets through; then once more starts it as it is.
void kill_until_done(int number, const std::filesystem::path& directory, const std::string& what) {
    bool done = false;
    for (auto after = 5ms; !done && after < 60s; after += after / 3 + 1ms) {
        Process process(number, directory, what);
        const std::string said = process.says(after);
        done = said == "done\n";
        if (!done) REQUIRE(said == "");
    }
    REQUIRE(done);
    Process again(number, directory, what);
    CHECK(again.says(60s) == "done\n");
}

}  // namespace

TEST_CASE("an init that was killed at any moment can be repeated") {
    const TemporaryDirectory directory;
    kill_until_done(1, directory.path() / "1", "init");

    TestAgent agent(1, directory.path() / "1");
    CHECK(agent.cluster->cluster_id() == "test");
    CHECK(agent.hosts_seen() == std::vector<std::string>{"host-1"});
}

TEST_CASE("a join that was killed at any moment can be repeated") {
    const TemporaryDirectory directory;
    TestAgent first(1, directory.path() / "1");
    const JoinToken token = first.cluster->init("test", Limit(60s));

    kill_until_done(2, directory.path() / "2", token.token);

    CHECK(first.hosts_seen() == std::vector<std::string>{"host-1", "host-2"});
    TestAgent second(2, directory.path() / "2");
    CHECK(second.hosts_seen() == std::vector<std::string>{"host-1", "host-2"});
}
