#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "agent/serve/server.hpp"
#include "common/net/http_client.hpp"
#include "tests/fakes/memory_log.hpp"

namespace pgedge::testing {

using namespace std::chrono_literals;

inline constexpr const char* kAddress = "127.13.0.1";

/// A door that threads wait at until it is opened.
class Door {
public:
    void open() {
        std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.notify_all();
        changed_.wait_for(lock, 30s, [this] { return open_; });
    }
    /// True when so many came within the time.
    bool wait_for_visitors(int count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 20s, [&] { return waiting_ >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    int waiting_ = 0;
};

/// Waits for something that another thread brings about.
template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds at_most = 20s) {
    const auto until = std::chrono::steady_clock::now() + at_most;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

/// Answers "METHOD PATH body-size" unless told otherwise.
inline HttpResponse echo(const HttpRequest& request) {
    HttpResponse response;
    response.headers["Content-Type"] = "text/plain";
    response.body = request.method + " " + request.path + " " + std::to_string(request.body.size());
    return response;
}

struct TestServer {
    explicit TestServer(Server::Handler handler = echo, ServerOptions options = {}, ListenAddress endpoint = {kAddress})
        : log(std::make_shared<MemoryLog>()), server(std::move(handler), Log(log, LogLevel::debug), options) {
        port = server.listen(std::move(endpoint));
        server.start();
    }
    Url url() const { return {Url::Scheme::http, kAddress, port, ""}; }

    std::shared_ptr<MemoryLog> log;
    Server server;
    int port = 0;
};

inline HttpRequest get(std::string path) {
    HttpRequest request;
    request.path = std::move(path);
    return request;
}
inline HttpRequest post(std::string path, std::string body) {
    HttpRequest request;
    request.method = "POST";
    request.path = std::move(path);
    request.body = std::move(body);
    return request;
}

}  // namespace pgedge::testing
