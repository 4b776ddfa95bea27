#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "agent/serve/api.hpp"
#include "agent/serve/client_watch.hpp"
#include "agent/serve/connection.hpp"
#include "agent/serve/error_form.hpp"
#include "agent/serve/listener.hpp"
#include "common/base/log.hpp"
#include "common/net/http.hpp"

namespace pgedge {

/// What a server allows. Durations are for the whole of what they name, however the bytes drip.
struct HttpLimits {
    std::size_t max_body = 1 << 20;          ///< of a request; more is 413
    std::size_t max_head = 16 * 1024;        ///< request line and headers; more is 431
    std::size_t max_target = 8 * 1024;       ///< path and query; more is 414
    std::size_t max_unsent = 128 << 20;      ///< of all answers that clients do not take; more closes the slow ones
    std::size_t max_streams = 256;           ///< streamed answers at one time: each holds a thread; more is 503
    std::chrono::milliseconds head{10'000};  ///< a request's head, or the TLS handshake
    std::chrono::milliseconds body{30'000};
    std::chrono::milliseconds write{30'000};  ///< an answer, or one part of a streamed one; large ones get more
    std::chrono::milliseconds idle{120'000};  ///< between requests
};

/// What the sessions of a server share. Safe from any thread.
struct HttpService {
    std::function<HttpResponse(const HttpRequest&)> handler;
    std::function<HttpResponse(const HttpRequest&, const Failure&)> refuse;  ///< see ServerOptions
    std::function<std::optional<BodyTerms>(const HttpRequest&)> body_terms;  ///< see ServerOptions
    HttpLimits limits;
    Log log;
    bool access_log = true;  ///< false: only failures (status 500 and up) are logged
    std::stop_source stop;
    std::atomic<std::size_t> streams = 0, unsent = 0;
    ClientWatch clients{};
};

/// One client's run of HTTP/1.x requests. Parsing is Beast's, with what it lets through refused here: no Host, folded
/// headers, codings other than chunked.
class HttpSession {
public:
    /// `tls` is the listener's context of this moment; null: plain.
    HttpSession(HttpService& service, std::shared_ptr<const ListenAddress> listener, const SslContext& tls,
                Listener::Accepted client);
    ~HttpSession();
    HttpSession(const HttpSession&) = delete;
    HttpSession& operator=(const HttpSession&) = delete;

    enum class Wait { to_read, to_write, no_more };
    /// Works as long as bytes come and go. Then the client is to be parked, until its socket is ready again or
    /// close_at(), or closed.
    Wait serve();
    /// After Wait::to_write: waits here until the client takes more; false when it does not in time.
    bool wait_for_room() const { return connection_.ready_to_write(); }
    ServerConnection::Clock::time_point close_at() const { return connection_.until(); }
    /// At close_at() the client is told before it is closed: serve() it once more.
    bool tells_when_late() const;
    int fd() const { return connection_.fd(); }
    void abort() { connection_.abort(); }  ///< from any thread: ends serve() soon

private:
    struct Incoming;  ///< a request that has begun to arrive
    struct Exchange;  ///< a whole request, and how it is answered
    struct Unsent;    ///< what is left of an answer
    class StreamSlot;
    enum class Step { go_on, park, close };

    Step greet();
    Step read_request();
    Step send_rest();
    Step say_last();
    bool take_bytes();
    bool begin_request();
    void check_head();
    void settle_body();
    HttpRequest head_so_far();
    void limit_body();
    void check_certificate() const;
    void say_continue();
    Exchange take_exchange();
    void look_at_certificate();
    void note_caller(HttpRequest& request);
    static void set_target(HttpRequest& request, std::string_view target);
    HttpResponse respond(Exchange& exchange);
    Step answer();
    Step send_whole(Exchange& exchange, HttpResponse response, bool last = false);
    Step send_stream(Exchange& exchange, const HttpResponse& response);
    Step refuse(const Failure& failure);
    Step after_answer(bool keep_alive);
    void log_access(const Exchange& exchange, int status) const;

    HttpService& service_;
    const std::shared_ptr<const ListenAddress> listener_;
    ServerConnection connection_;
    std::string bytes_;  ///< read and not yet parsed
    std::unique_ptr<Incoming> incoming_;
    std::unique_ptr<Unsent> unsent_;
    const bool refused_;  ///< Listener::Accepted::refused
    Principal caller_;
    bool certificate_seen_ = false;  ///< `caller_` has what the TLS handshake proved
    bool draining_ = false;          ///< the last word is said
};

}  // namespace pgedge
