// The program itself, against an HTTP server that answers for a FakeAgent.
#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/serve/server.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/subprocess.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/fake_agent.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr const char* kAddress = "127.17.0.1";
const Limit within_a_minute() { return Limit(60s); }

/// An agent on 127.17.0.1; followed logs of tasks that do not end stay open until the client goes.
class Agent {
public:
    FakeAgent fake;
    std::atomic<int> followers{0};

    Agent() : server_([this](const HttpRequest& request) { return answer(request); }, Log::none()) {
        port_ = server_.listen({.address = kAddress, .port = 0});
        server_.start();
    }
    ~Agent() {
        stop_.request_stop();
        server_.stop(1s);
    }
    std::string url() const { return "http://" + std::string(kAddress) + ":" + std::to_string(port_); }

    /// Waits until somebody follows a log.
    bool followed() const {
        const Limit limit(30s);
        while (followers == 0)
            if (!limit.pause(5ms)) return false;
        return true;
    }

private:
    HttpResponse answer(const HttpRequest& request) {
        const std::lock_guard lock(mutex_);
        HttpResponse response = fake.answer(request);
        const bool follows = request.parameter("follow") == "true";
        if (follows && fake.tasks.back()["status"] == "running")
            response.stream = [this, first = response.stream](const BodyWriter& write) {
                first(write);
                ++followers;
                const Limit limit(Limit::Clock::duration(60s), stop_.get_token());
                while (limit.pause(20ms) && write("\n")) {
                }
            };
        return response;
    }

    std::mutex mutex_;
    std::stop_source stop_;
    Server server_;
    int port_ = 0;
};

Command command(const Agent& agent, const std::vector<std::string>& words) {
    Command made;
    made.argv = {PGEDGECTL, "--endpoint", agent.url()};
    made.argv.insert(made.argv.end(), words.begin(), words.end());
    made.environment = {{"HOME", "/nonexistent"}, {"PGPASSWORD", "hunter2"}};
    return made;
}

struct SpecFile {
    std::filesystem::path path = std::filesystem::temp_directory_path() / ("pgedge-ctl-" + random_hex(8) + ".yaml");
    SpecFile() {
        write_file(path,
                   "apiVersion: pgedge/v1\nkind: Database\nid: shop\nspec:\n  database_name: shop\n  port: 5432\n"
                   "  nodes: [{name: n1, host_ids: [host-1]}]\n");
    }
    ~SpecFile() { std::filesystem::remove(path); }
};

/// pgedgectl in the background, its output in files.
class Background {
public:
    explicit Background(const Command& command) {
        pid_ = ::fork();
        if (pid_ == 0) {
            std::vector<char*> argv;
            for (const auto& word : command.argv) argv.push_back(const_cast<char*>(word.c_str()));
            argv.push_back(nullptr);
            const Fd out(::open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
            ::dup2(out.get(), STDOUT_FILENO);
            ::dup2(out.get(), STDERR_FILENO);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
    }
    ~Background() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            wait();
        }
        std::filesystem::remove(out_);
    }
    void send(int signal) const { ::kill(pid_, signal); }
    /// Exit code, or -signal.
    int wait() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    std::string output() const { return read_file(out_); }

private:
    std::filesystem::path out_ = std::filesystem::temp_directory_path() / ("pgedge-ctl-" + random_hex(8) + ".out");
    pid_t pid_ = -1;
};

}  // namespace

TEST_CASE("a database is created over HTTP, and a second apply has nothing to do") {
    Agent agent;
    const SpecFile spec;

    const auto first = run(command(agent, {"apply", "-f", spec.path.string(), "--yes"}), within_a_minute());
    CHECK_MESSAGE(first.exit_code == 0, first.output);
    CHECK(first.output.find("create shop completed") != std::string::npos);
    CHECK(first.output.find("127.17.0.1:5432") != std::string::npos);

    const auto second = run(command(agent, {"apply", "-f", spec.path.string(), "--yes"}), within_a_minute());
    CHECK(second.exit_code == 0);
    CHECK(second.output == "nothing to do\n");
}

TEST_CASE("the first Ctrl-C detaches and says how to go on watching; SIGTERM does the same") {
    for (const int signal : {SIGINT, SIGTERM}) {
        CAPTURE(signal);
        Agent agent;
        agent.fake.hang_next = true;
        const SpecFile spec;
        Background program(command(agent, {"apply", "-f", spec.path.string(), "--yes"}));
        REQUIRE(agent.followed());

        program.send(signal);

        CHECK(program.wait() == 128 + signal);
        CHECK(program.output().find("pgedgectl task watch 0199d301") != std::string::npos);
        CHECK(agent.fake.tasks.back()["status"] == "running");
    }
}

TEST_CASE("a wait ends with --timeout and exit code 3") {
    Agent agent;
    agent.fake.hang_next = true;
    const SpecFile spec;
    const auto result =
        run(command(agent, {"apply", "-f", spec.path.string(), "--yes", "--timeout", "300ms"}), within_a_minute());
    CHECK_MESSAGE(result.exit_code == 3, result.output);
}

TEST_CASE("nobody at the endpoint is exit code 1 with the address") {
    Agent agent;
    Command nobody = command(agent, {"db", "list"});
    nobody.argv[2] = "http://127.17.0.2:1";
    const auto result = run(nobody, within_a_minute());
    CHECK(result.exit_code == 1);
    CHECK(result.output.find("127.17.0.2:1") != std::string::npos);
}

TEST_CASE("psql gets the server, and the password only through the environment") {
    Agent agent;
    agent.fake.databases["shop"] = {
        {"spec", {{"database_name", "shop"}, {"port", 5432}, {"nodes", {{{"name", "n1"}, {"host_ids", {"host-1"}}}}}}},
        {"revision", 1}};
    const auto folder = std::filesystem::temp_directory_path() / ("pgedge-ctl-" + random_hex(8));
    make_directory(folder);
    write_file(folder / "psql", "#!/bin/sh\necho \"$@\" \"$PGPASSWORD\" \"$PGAPPNAME\" \"$PGTARGETSESSIONATTRS\"\n",
               0755);
    Command psql = command(agent, {"psql", "shop", "--", "-c", "SELECT 1"});
    psql.environment["PATH"] = folder.string() + ":/usr/bin:/bin";

    const auto result = run(psql, within_a_minute());
    std::filesystem::remove_all(folder);
    CHECK(result.output == "-h 127.17.0.1 -p 5432 -d shop -c SELECT 1 hunter2 pgedgectl read-write\n");
}

TEST_CASE("bash completes commands and live names with the script that pgedgectl prints") {
    Agent agent;
    agent.fake.databases["storefront"] = {{"spec", {{"database_name", "s"}, {"nodes", Json::array()}}},
                                          {"revision", 1}};
    Command bash;
    bash.argv = {
        "bash", "-c",
        "source <(\"$1\" completion bash)\n"
        "complete_words() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _pgedgectl; echo \"${COMPREPLY[@]}\"; }\n"
        "complete_words \"$1\" stat\n"
        "complete_words \"$1\" db show st\n"
        "complete_words \"$1\" db show x\n",
        "bash", PGEDGECTL};
    bash.environment = {{"PGEDGECTL_ENDPOINT", agent.url()}};
    const auto result = run(bash, within_a_minute());
    CHECK(result.output == "status\nstorefront\n\n");
}

}  // namespace pgedge
