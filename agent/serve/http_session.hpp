#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>

#include "agent/serve/connection.hpp"
#include "common/base/log.hpp"
#include "common/net/http.hpp"

namespace pgedge {

/// What a server allows. Durations are for the whole of what they name, however the bytes drip.
struct HttpLimits {
    std::size_t max_body = 1 << 20;          ///< of a request; more is 413
    std::size_t max_head = 16 * 1024;        ///< request line and headers; more is 431
    std::size_t max_target = 8 * 1024;       ///< path and query; more is 414
    std::size_t max_streams = 256;           ///< streamed answers at one time: each holds a thread; more is 503
    std::chrono::milliseconds head{10'000};  ///< a request's head, or the TLS handshake
    std::chrono::milliseconds body{30'000};
    std::chrono::milliseconds write{30'000};  ///< an answer, or one part of a streamed one; large ones get more
    std::chrono::milliseconds idle{120'000};  ///< between requests
};

/// What the sessions of a server share. Safe from any thread.
struct HttpService {
    std::function<HttpResponse(const HttpRequest&)> handler;
    HttpLimits limits;
    Log log;
    bool access_log = true;  ///< false: only failures (status 500 and up) are logged
    std::stop_source stop;
    std::atomic<std::size_t> streams = 0;
};

/// One client's run of HTTP/1.x requests. Parsing is Beast's, with what it lets through refused here: no Host, folded
/// headers, codings other than chunked.
class HttpSession {
public:
    /// `agents`: the request's peer_name is verified_agent(), otherwise verified_name().
    HttpSession(HttpService& service, Fd socket, const SslContext& tls, bool agents, std::string address);
    ~HttpSession();
    HttpSession(const HttpSession&) = delete;
    HttpSession& operator=(const HttpSession&) = delete;

    /// Works as long as bytes come. True: the client is quiet, park it until close_at(). False: close it.
    bool serve();
    ServerConnection::Clock::time_point close_at() const { return connection_.until(); }
    int fd() const { return connection_.fd(); }
    void abort() { connection_.abort(); }  ///< from any thread: ends serve() soon

private:
    struct Incoming;  ///< a request that has begun to arrive
    struct Exchange;  ///< a whole request, and how it is answered
    struct Refusal;
    class StreamSlot;
    enum class Step { whole, park, close };

    Step read_request();
    bool take_bytes();
    bool begin_request();
    void check_head();
    Exchange take_exchange();
    static void set_target(HttpRequest& request, std::string_view target);
    HttpResponse respond(Exchange& exchange);
    bool answer();
    bool send_whole(Exchange& exchange, const HttpResponse& response);
    bool send_stream(Exchange& exchange, const HttpResponse& response);
    void refuse(const Refusal& refusal);
    void log_access(const Exchange& exchange, int status) const;

    HttpService& service_;
    ServerConnection connection_;
    const bool agents_;
    std::string bytes_;  ///< read and not yet parsed
    std::unique_ptr<Incoming> incoming_;
};

}  // namespace pgedge
