// ssh:// against a real sshd of this machine, and the agent's dial-stdio behind it.
#include <atomic>
#include <deque>
#include <filesystem>
#include <mutex>

#include <unistd.h>
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define PGEDGE_HAS_LEAK_CHECK
#endif
#endif

#include "agent/serve/server.hpp"
#include "cli/ssh/ssh_transport.hpp"
#include "tests/integration/cli/sshd.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;
using testing::Sshd;

class TestPrompt final : public Prompt {
public:
    std::deque<std::string> answers;  ///< none: nobody is at the terminal
    std::vector<std::string> questions, told;
    bool may_ask() const override { return !answers.empty(); }
    std::string ask(const std::string& question) override {
        questions.push_back(question);
        std::string answer = answers.front();
        answers.pop_front();
        return answer;
    }
    Secret ask_secret(const std::string& question) override { return Secret(ask(question)); }
    void tell(const std::string& detail) override { told.push_back(detail); }
};

/// The API of an agent: /echo gives the body back, /hang answers when the test ends, and everything else says hello.
class Answering {
public:
    explicit Answering(const std::string& socket)
        : server_([this](const HttpRequest& request) { return answer(request); }, Log::none()) {
        server_.listen({.address = "", .port = 0, .socket = socket});
        server_.start();
    }
    ~Answering() {
        stop_.request_stop();
        server_.stop(1s);
    }
    std::atomic<int> hanging{0};

private:
    HttpResponse answer(const HttpRequest& request) {
        HttpResponse response;
        response.body = request.path == "/echo" ? request.body : "hello";
        if (request.path == "/hang") {
            ++hanging;
            Limit(60s, stop_.get_token()).pause(60s);
        }
        return response;
    }
    std::stop_source stop_;
    Server server_;
};

std::string programs() { return std::string(PGEDGE_PROGRAMS) + ":/usr/bin:/bin"; }

struct Remote {
    Sshd sshd;
    std::shared_ptr<TestPrompt> prompt = std::make_shared<TestPrompt>();
    std::string ssh_agent;  ///< its socket
    std::unique_ptr<Transport> transport;

    explicit Remote(const std::string& path = programs(), const std::string& host_key = "ed25519")
        : sshd(path, host_key) {}

    std::string socket() const { return sshd.file("agent.sock"); }
    Transport& reached() {
        const SshEnvironment environment{sshd.directory.path(), "root", ssh_agent, sshd.file("ssh_config")};
        if (!transport)
            transport = make_ssh_transport(parse_ssh_address("ssh://root@db-1" + socket()),
                                           std::make_shared<SshHosts>(environment), prompt);
        return *transport;
    }
    HttpResponse get(const std::string& path = "/", const std::string& body = "", const Limit& limit = Limit(60s)) {
        HttpRequest request;
        request.method = body.empty() ? "GET" : "POST";
        request.path = path;
        request.body = body;
        return reached().send(request, limit);
    }
    Error refusal() {
        try {
            get();
        } catch (const Error& error) {
            return error;
        }
        FAIL("the call is answered");
        return {ErrorKind::internal, ""};
    }
};

/// libssh2 1.10 does not free the two numbers of an ECDSA signature: 112 bytes a login.
struct WithoutLeakCheck {
#ifdef PGEDGE_HAS_LEAK_CHECK
    WithoutLeakCheck() { __lsan_disable(); }
    ~WithoutLeakCheck() { __lsan_enable(); }
#else
    WithoutLeakCheck() {}
    ~WithoutLeakCheck() {}
#endif
    WithoutLeakCheck(const WithoutLeakCheck&) = delete;
    WithoutLeakCheck& operator=(const WithoutLeakCheck&) = delete;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("keys of each type reach the agent") {
    Remote remote;
    const Answering agent(remote.socket());
    remote.sshd.know_host();
    std::string type;
    for (const char* each : {"ed25519", "ecdsa", "rsa"}) SUBCASE(each) {
            type = each;
        }
    CAPTURE(type);
    remote.sshd.make_user_key(type);

    {
        const WithoutLeakCheck of_libssh2;
        CHECK(remote.get().body == "hello");
    }
    CHECK(remote.reached().endpoint() == "ssh://root@db-1" + remote.socket());
    const bool by_ssh = has(remote.prompt->told.at(0), "by the ssh client");
    const bool needs_ssh = type == "rsa" && !has(remote.prompt->told.at(0), "by libssh2");
    CHECK(by_ssh == needs_ssh);  // libssh2 before 1.11 cannot use RSA keys
}

TEST_CASE("large bodies and many calls at once use one connection") {
    Remote remote;
    const Answering agent(remote.socket());
    remote.sshd.know_host();
    remote.sshd.make_user_key("ed25519");
    std::string large(900'000, 'x');
    for (std::size_t i = 0; i < large.size(); i += 7) large[i] = static_cast<char>('a' + i % 26);

    CHECK(remote.get("/echo", large).body == large);
    std::atomic<int> good{0};
    {
        std::vector<std::jthread> callers;
        for (int i = 0; i < 4; ++i)
            callers.emplace_back([&] {
                for (int n = 0; n < 10; ++n) good += remote.get("/echo", large).body == large ? 1 : 0;
            });
    }
    CHECK(good == 40);
    CHECK(remote.prompt->told.size() == 1);
}

TEST_CASE("a host that is not known is asked about, or told with its fingerprint and how to add it") {
    Remote remote;
    const Answering agent(remote.socket());
    remote.sshd.make_user_key("ed25519");
    SUBCASE("nobody can be asked") {
        const Error refused = remote.refusal();
        CHECK(refused.kind() == ErrorKind::denied);
        CHECK(has(refused.text(), remote.sshd.host_fingerprint()));
        const auto command = refused.hint().find("echo '");
        REQUIRE(command != std::string::npos);
        testing::run_here({"sh", "-c", refused.hint().substr(command)});
    }
    SUBCASE("the user says no") {
        remote.prompt->answers = {"no"};
        CHECK(has(remote.refusal().text(), "its key was not accepted"));
        CHECK_FALSE(std::filesystem::exists(remote.sshd.file("known_hosts")));
        remote.prompt->answers = {"yes"};
    }
    SUBCASE("the user says yes") { remote.prompt->answers = {"yes"}; }
    CHECK(remote.get().body == "hello");
    for (const auto& question : remote.prompt->questions) CHECK(has(question, remote.sshd.host_fingerprint()));
    CHECK(std::filesystem::exists(remote.sshd.file("known_hosts")));
}

TEST_CASE("a changed host key is refused with both fingerprints, whoever is there to be asked") {
    Remote remote;
    const Answering agent(remote.socket());
    remote.sshd.make_user_key("ed25519");
    remote.sshd.know_host();
    const std::string before = remote.sshd.host_fingerprint();
    remote.sshd.stop();
    remote.sshd.make_host_key("ed25519");
    remote.sshd.start();
    remote.prompt->answers = {"yes"};

    const Error refused = remote.refusal();
    CHECK(refused.kind() == ErrorKind::denied);
    CHECK(has(refused.text(), "has changed"));
    CHECK(has(refused.text(), before));
    CHECK(has(refused.text(), remote.sshd.host_fingerprint()));
    CHECK(has(refused.hint(), "ssh-keygen -R"));
    CHECK(remote.prompt->questions.empty());
}

TEST_CASE("a key that is not accepted is told with its name") {
    Remote remote;
    remote.sshd.know_host();
    remote.sshd.make_user_key("ed25519", "", false);

    const Error refused = remote.refusal();
    CHECK(refused.kind() == ErrorKind::denied);
    CHECK(has(refused.text(), "does not let root in"));
    CHECK(has(refused.text(), remote.sshd.file("id")));
}

TEST_CASE("a key with a passphrase") {
    Remote remote;
    const Answering agent(remote.socket());
    remote.sshd.know_host();
    remote.sshd.make_user_key("ed25519", "open sesame");
    SUBCASE("needs somebody to ask, or ssh-agent") {
        const Error refused = remote.refusal();
        CHECK(refused.kind() == ErrorKind::denied);
        CHECK(refused.hint() == "load the key first: ssh-add " + remote.sshd.file("id"));
    }
    SUBCASE("is asked for until it is right") {
        remote.prompt->answers = {"open barley", "open sesame"};
        CHECK(remote.get().body == "hello");
        CHECK(remote.prompt->questions.size() == 2);
    }
    SUBCASE("is used by ssh-agent without being asked for") {
        remote.ssh_agent = remote.sshd.file("agent-of-ssh.sock");
        std::jthread running([&](const std::stop_token& stop) {
            Command command;
            command.argv = {"ssh-agent", "-D", "-a", remote.ssh_agent};
            CHECK_THROWS_AS(run(command, Limit(5min, stop)), Error);  // it runs until it is told to end
        });
        const Limit limit(30s);
        while (!std::filesystem::exists(remote.ssh_agent)) REQUIRE(limit.pause(5ms));
        write_file(remote.sshd.file("passphrase"), "#!/bin/sh\necho 'open sesame'\n", 0700);
        Command add;
        add.argv = {"ssh-add", remote.sshd.file("id")};
        add.environment = {{"SSH_AUTH_SOCK", remote.ssh_agent},
                           {"SSH_ASKPASS", remote.sshd.file("passphrase")},
                           {"SSH_ASKPASS_REQUIRE", "force"}};
        run_or_throw(add, limit);
        CHECK(remote.get().body == "hello");
        CHECK(remote.prompt->questions.empty());
    }
}

TEST_CASE("what is missing on the host is told") {
    SUBCASE("the agent's program") {
        Remote remote("/usr/bin:/bin");
        remote.sshd.know_host();
        remote.sshd.make_user_key("ed25519");
        const Error refused = remote.refusal();
        CHECK(refused.kind() == ErrorKind::not_found);
        CHECK(has(refused.text(), "there is no pgedge-agent on ssh://root@db-1"));
    }
    SUBCASE("a running agent") {
        Remote remote;
        remote.sshd.know_host();
        remote.sshd.make_user_key("ed25519");
        const Error refused = remote.refusal();
        CHECK(refused.kind() == ErrorKind::unreachable);
        CHECK(has(refused.text(), "no agent runs on this host: nobody listens on " + remote.socket()));
        CHECK(has(refused.hint(), "start it"));
    }
    SUBCASE("sshd") {
        Remote remote;
        remote.sshd.stop();
        const Error refused = remote.refusal();
        CHECK(refused.kind() == ErrorKind::unreachable);
        CHECK(has(refused.text(), "cannot connect to 127.17.0.9:"));
    }
}

TEST_CASE("a connection that is cut ends the call at once, and the next one connects again") {
    Remote remote;
    Answering agent(remote.socket());
    remote.sshd.know_host();
    remote.sshd.make_user_key("ed25519");
    CHECK(remote.get().body == "hello");
    {
        const std::jthread cutter([&] {
            const Limit limit(30s);
            while (agent.hanging == 0 && limit.pause(5ms)) {
            }
            remote.sshd.stop();
        });
        const auto began = Limit::Clock::now();
        try {
            remote.get("/hang");
            FAIL("the call is answered");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::unreachable);
            CHECK(has(error.text(), "the SSH connection was lost"));
        }
        CHECK(Limit::Clock::now() - began < 20s);
    }
    remote.sshd.start();
    CHECK(remote.get().body == "hello");
}

TEST_CASE("a call ends with its limit and when it is stopped") {
    Remote remote;
    Answering agent(remote.socket());
    remote.sshd.know_host();
    remote.sshd.make_user_key("ed25519");
    CHECK(remote.get().body == "hello");
    CHECK_THROWS_AS(remote.get("/hang", "", Limit(300ms)), Error);
    std::stop_source stop;
    const int before = agent.hanging;  // the first call may have ended before it was sent
    const std::jthread stopper([&] {
        const Limit limit(30s);
        while (agent.hanging == before && limit.pause(5ms)) {
        }
        stop.request_stop();
    });
    const auto began = Limit::Clock::now();
    CHECK_THROWS_AS(remote.get("/hang", "", Limit(60s, stop.get_token())), Error);
    CHECK(Limit::Clock::now() - began < 20s);
    CHECK(remote.get().body == "hello");
}

}  // namespace pgedge
