#pragma once

#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "agent/cluster/cluster.hpp"
#include "agent/serve/server.hpp"
#include "agent/store/state/migrations.hpp"
#include "common/base/error.hpp"
#include "tests/fakes/temporary_directory.hpp"

namespace pgedge::testing {

using namespace std::chrono_literals;

inline std::string address_of(int number) { return "127.13.0." + std::to_string(number); }

inline Host host_at(int number) {
    Host host;
    host.id = "host-" + std::to_string(number);
    host.runtime = "process";
    host.data_dir = "/nonexistent";
    host.peer_addresses = host.client_addresses = {address_of(number)};
    host.level = newest_schema_version();
    return host;
}

/// An agent as far as membership goes: its API on port 3000, its peer port 2379 and its store's port 2380 of
/// 127.13.0.x.
class TestAgent {
public:
    /// `api_tls`: of the API, where a client without a certificate may ask how to join and nothing else.
    explicit TestAgent(int number, std::filesystem::path directory, SslContext api_tls = nullptr)
        : number_(number), directory_(std::move(directory)), api_tls_(std::move(api_tls)), self(host_at(number)) {
        std::signal(SIGPIPE, SIG_IGN);  // as the agent's main() does
        std::filesystem::create_directories(directory_);
        start();
    }
    ~TestAgent() { stop(); }
    TestAgent(const TestAgent&) = delete;
    TestAgent& operator=(const TestAgent&) = delete;

    void start() {
        const Log log = std::getenv("PGEDGE_TEST_LOG") ? Log::to_stderr(LogLevel::debug) : Log::none();
        cluster.emplace(Cluster::Options{.data_dir = directory_,
                                         .self = self,
                                         .peer_routes =
                                             [](Api& agents) {
                                                 agents.add(Role::agent, "GET", "/internal/hello",
                                                            [](const HttpRequest& request, const PathParameters&) {
                                                                HttpResponse response;
                                                                response.body = "hello " + request.caller.certificate;
                                                                return response;
                                                            });
                                             },
                                         .on_member = [this](const Member& found) { member.emplace(found); }},
                        clock_, log);
        router_.emplace(log);
        cluster->add_public_api(*router_);
        api_.emplace([this](const HttpRequest& request) { return router_->handle(request); }, log);
        api_->listen({.address = address_of(number_),
                      .port = 3000,
                      .tls = api_tls_ ? std::make_shared<ReloadableContext>(api_tls_) : nullptr,
                      .open_target = kInvitationPath});
        api_->start();
        cluster->start();
    }
    void stop() {
        api_.reset();
        member.reset();
        cluster.reset();
    }

    HttpResponse hello(int other) {
        HttpRequest request;
        request.path = "/internal/hello";
        return member->peers.send("host-" + std::to_string(other), {"", address_of(other) + ":2379"}, request,
                                  Limit(20s));
    }
    std::vector<std::string> hosts_seen() {
        std::vector<std::string> ids;
        for (const auto& row : member->store.read({.sql = "SELECT id FROM host ORDER BY id", .args = {}, .expect = {}},
                                                  Freshness::leader, Limit(20s)))
            ids.push_back(row.text(0));
        return ids;
    }
    const std::filesystem::path& directory() const { return directory_; }

private:
    const int number_;
    const std::filesystem::path directory_;
    const SslContext api_tls_;
    SystemClock clock_;
    std::optional<Router> router_;
    std::optional<Server> api_;

public:
    Host self;
    std::optional<Cluster> cluster;
    std::optional<Member> member;
};

/// Runs `work` and gives the API's name of the error it throws; empty when it throws none.
template <class Work>
std::string refusal_of(Work work) {
    try {
        work();
    } catch (const Error& error) {
        return std::string(error.name());
    }
    return "";
}

}  // namespace pgedge::testing
