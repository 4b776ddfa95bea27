// pgedge-bench: what tests/bench/run cannot measure with bash and curl, because starting them takes longer than what is
// measured. Prints figures in milliseconds, for scripts.
#include <cstdio>
#include <iostream>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/net/http_client.hpp"
#include "tests/bench/latency.hpp"
#include "tests/bench/store_bench.hpp"

namespace pgedge::bench {
namespace {

using namespace std::chrono_literals;
constexpr auto kCallLimit = 10s;
constexpr int kAskers = 64;
constexpr auto kStartLimit = 30s;
constexpr auto kStateLimit = 300s;

constexpr const char* kUsage =
    "pgedge-bench command COUNT PROGRAM ARGUMENT…   median and p99 of running a program to its end\n"
    "pgedge-bench ready URL LOG PROGRAM ARGUMENT…   starts it and prints the time until URL answers 200, and its pid\n"
    "pgedge-bench state STATE URL                   returns when the database at URL is in that state\n"
    "pgedge-bench get COUNT URL                     median and p99 of GET on a kept connection\n"
    "pgedge-bench etcd COUNT URL                    median and p99 of etcd's put by its JSON gateway\n"
    "pgedge-bench store COUNT DATA_DIR ADDRESS…     median and p99 of a commit, asked of the leader of these agents\n"
    "pgedge-bench askers COUNT DATA_DIR ADDRESS…    commits per second of 64 askers at once\n"
    "pgedge-bench growth COUNT DATA_DIR ADDRESS…    median of the first tenth of COUNT tasks and of the last\n"
    "pgedge-bench fill COUNT DATA_DIR ADDRESS…      writes COUNT rows of 1 KB\n"
    "pgedge-bench outage SIGNAL DATA_DIR ADDRESS=PID…   signals the leader; milliseconds to the next commit, and its "
    "host\n"
    "pgedge-bench seed COUNT DATA_DIR ADDRESS…      writes databases into the store, with nothing behind them\n";

/// Starts a program with its output in `log`; nothing of ours is open in it.
pid_t spawn(const std::vector<std::string>& argv, const std::string& log) {
    std::vector<char*> words;
    for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    pid_t pid = 0;
    const int problem = posix_spawnp(&pid, words[0], &files, &attributes, words.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (problem != 0) throw Error(ErrorKind::failed, argv[0] + " cannot be started: " + errno_text(problem));
    return pid;
}

void run_command(int count, const std::vector<std::string>& argv) {
    const auto latencies = measure(count, [&] {
        int status = 0;
        const pid_t pid = spawn(argv, "/dev/null");
        ::waitpid(pid, &status, 0);
        if (status != 0) throw Error(ErrorKind::failed, argv[0] + " failed");
    });
    std::cout << latencies.line() << "\n";
}

bool answers(HttpTransport& transport, const HttpRequest& request) {
    try {
        return transport.send(request, Limit(kCallLimit)).status == 200;
    } catch (const Error&) {
        return false;  // it is not there yet
    }
}

/// A GET of the whole URL, which has no query. `url` keeps the server alone.
HttpRequest get_request(Url& url) {
    HttpRequest request;
    request.path = std::exchange(url.path, {});
    return request;
}

void run_ready(Url url, const std::string& log, const std::vector<std::string>& argv) {
    const HttpRequest request = get_request(url);
    HttpTransport transport({.server = url});
    const auto begin = std::chrono::steady_clock::now();
    const pid_t pid = spawn(argv, log);
    while (!answers(transport, request)) {
        if (std::chrono::steady_clock::now() - begin > kStartLimit || ::waitpid(pid, nullptr, WNOHANG) == pid)
            throw Error(ErrorKind::failed, argv[0] + " did not become ready: see " + log);
        std::this_thread::sleep_for(1ms);
    }
    std::cout << fmt::format("{:.0f} {}\n", Milliseconds(std::chrono::steady_clock::now() - begin).count(), pid);
}

/// On a kept connection: a curl for each look would take a good part of the processors that the work needs.
void wait_for_state(const std::string& state, Url url) {
    const HttpRequest request = get_request(url);
    HttpTransport transport({.server = url});
    for (const Limit limit(kStateLimit);; limit.pause(25ms)) {
        const auto answer = transport.send(request, Limit(kCallLimit));
        const std::string now = answer.status == 200 ? parse_json(answer.body).at("state") : "not there";
        if (now == state) return;
        if (now == "failed" || limit.over())
            throw Error(ErrorKind::failed, fmt::format("the database is {}: {}", now, answer.body));
    }
}

void run_get(int count, Url url) {
    const HttpRequest request = get_request(url);
    HttpTransport transport({.server = url});
    const auto latencies = measure(count, [&] {
        if (const auto status = transport.send(request, Limit(kCallLimit)).status; status != 200)
            throw Error(ErrorKind::failed, fmt::format("the answer's status is {}", status));
    });
    std::cout << latencies.line() << "\n";
}

void run_etcd(int count, const Url& url) {
    HttpTransport transport({.server = url});
    HttpRequest request;
    request.method = "POST";
    request.path = "/v3/kv/put";
    int number = 0;
    const auto latencies = measure(count, [&] {
        const Json body{{"key", to_base64(fmt::format("bench/{}", number++))},
                        {"value", to_base64(std::string(kValueBytes, 'x'))}};
        request.body = to_text(body);
        if (const auto status = transport.send(request, Limit(kCallLimit)).status; status != 200)
            throw Error(ErrorKind::failed, fmt::format("etcd answers with status {}", status));
    });
    std::cout << latencies.line() << "\n";
}

/// `rest`: DATA_DIR, then HOST=ADDRESS=PID of each agent.
void outage(int signal, const std::vector<std::string>& rest) {
    std::vector<std::string> agents;
    std::vector<int> pids;
    for (auto each = rest.begin() + 1; each != rest.end(); ++each) {
        const auto at = each->rfind('=');
        if (at == std::string::npos) throw Error(ErrorKind::invalid_input, *each + " is not HOST=ADDRESS=PID");
        agents.push_back(each->substr(0, at));
        pids.push_back(std::stoi(each->substr(at + 1)));
    }
    run_outage(signal, pids, rest[0], agents);
}

int run(const std::vector<std::string>& words) {
    if (words.size() < 3) {
        std::cerr << kUsage;
        return 2;
    }
    const std::vector<std::string> rest(words.begin() + 2, words.end());
    const std::string& what = words[0];
    if (what == "ready" && rest.size() > 1) {
        run_ready(parse_url(words[1]), rest[0], {rest.begin() + 1, rest.end()});
        return 0;
    }
    if (what == "state") {
        wait_for_state(words[1], parse_url(rest[0]));
        return 0;
    }
    const int count = std::stoi(words[1]);
    if (what == "command")
        run_command(count, rest);
    else if (what == "get")
        run_get(count, parse_url(rest[0]));
    else if (what == "etcd")
        run_etcd(count, parse_url(rest[0]));
    else if (what == "store")
        run_store(count, rest[0], {rest.begin() + 1, rest.end()});
    else if (what == "askers")
        run_askers(kAskers, count, rest[0], {rest.begin() + 1, rest.end()});
    else if (what == "growth")
        run_growth(count, rest[0], {rest.begin() + 1, rest.end()});
    else if (what == "fill")
        run_fill(count, rest[0], {rest.begin() + 1, rest.end()});
    else if (what == "outage")
        outage(count, rest);
    else if (what == "seed")
        seed_databases(count, rest[0], {rest.begin() + 1, rest.end()});
    else
        return run({});
    return 0;
}

}  // namespace
}  // namespace pgedge::bench

int main(int argc, char** argv) {
    try {
        return pgedge::bench::run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        std::cerr << "pgedge-bench: " << error.what() << "\n";
        return 1;
    }
}
