#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "agent/serve/api.hpp"
#include "agent/serve/http_session.hpp"
#include "agent/serve/listener.hpp"

namespace pgedge {

struct ServerOptions {
    HttpLimits limits;
    bool access_log = true;
    std::size_t max_connections = 10'000;
    std::size_t max_per_address = 1'000;  ///< of one client address; all of unix sockets are one, outside the others
    std::size_t max_threads = 1'024;
    std::size_t max_local_threads = 64;  ///< kept for clients of unix sockets
    /// The form of what the server itself refuses, and of errors that the handler throws. The request may lack all but
    /// the caller: what could not be read is not there.
    std::function<HttpResponse(const HttpRequest&, const Failure&)> refuse =
        [](const HttpRequest&, const Failure& failure) { return named_errors()->failure(failure); };
    /// Asked about a request with a body when its head is there: see Router::body_terms(). nullopt: the limits hold.
    std::function<std::optional<BodyTerms>(const HttpRequest& head)> body_terms{};
};

/// An HTTP server. One thread accepts and watches quiet clients, which cost a descriptor and a few KB; a client with
/// bytes gets a thread of a crew that grows and shrinks. No handshake and no slow client holds up another; one that
/// does not read its answer is watched like a quiet one. Streamed answers alone hold a thread. See
/// agent/serve/http_session.hpp for what a client may do.
class Server {
public:
    using Handler = std::function<HttpResponse(const HttpRequest&)>;
    /// `handler` is called by many threads at once, with a stack of SmallThread::kStack; what it throws is answered.
    Server(Handler handler, Log log, ServerOptions options = {});
    ~Server();  ///< stop() without grace
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Adds a place to listen, before or after start(); takes connections at once, answers them from start() on.
    /// Returns the port. Throws as Listener does.
    int listen(ListenAddress endpoint);
    /// Starts the thread that answers. Once.
    void start();
    /// Accepts no more, drops quiet clients, lets running requests finish for `grace`, then cuts them off. All threads
    /// are gone when it returns, which waits for handlers: these must have limits of their own. Once.
    void stop(std::chrono::milliseconds grace);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace pgedge
