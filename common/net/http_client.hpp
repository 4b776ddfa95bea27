#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/file.hpp"
#include "common/net/certificates.hpp"
#include "common/net/transport.hpp"
#include "common/net/url.hpp"

namespace pgedge {

/// Another way to a server than its address: a stream that somebody else connects, e.g. over SSH.
struct HttpDial {
    std::string endpoint{};                           ///< for messages
    std::function<Fd(const Limit& limit)> connect{};  ///< a connected stream socket; its errors are the call's
    std::function<std::string()> why_lost{};          ///< why the last one ended early; empty: not known
};

struct HttpClientOptions {
    Url server;
    /// PEM: who may have signed an https server's certificate; empty: the system's authorities.
    std::string authorities{};
    std::optional<KeyPair> own{};  ///< shown to a server that asks
    /// The server must prove this name instead of its host's, e.g. agent_dns_name("host-1"), whatever its address.
    std::string server_name{};
    bool tls13_only = false;
    /// Take any certificate: only for what proves itself by other means, see agent/cluster/join_exchange.hpp.
    bool any_certificate = false;
    std::chrono::milliseconds connect_limit{5000};
    std::size_t max_body = 64 << 20;  ///< of a whole answer; a streamed one has no limit
    HttpDial dial{};                  ///< when it can `connect`, `server` is the host that requests name
};

/// Calls over TCP, TLS or a unix socket, by libcurl. Connections are kept and used again by later calls (at most
/// kKeptConnections); proxies are not used and redirects not followed. A call is given up at its limit and within
/// milliseconds of its stop; a host that stopped answering is noticed after 30 s also in an endless stream. Safe from
/// any thread; each call waits in the thread that makes it.
class HttpTransport final : public Transport {
public:
    static constexpr std::size_t kKeptConnections = 16;

    explicit HttpTransport(HttpClientOptions options);
    ~HttpTransport() override;
    HttpTransport(const HttpTransport&) = delete;
    HttpTransport& operator=(const HttpTransport&) = delete;

    /// Throws as Transport says, and Error{failed} when the answer is larger than max_body or not HTTP.
    HttpResponse send(const HttpRequest& request, const Limit& limit) override;
    HttpResponse stream(const HttpRequest& request, const Limit& limit,
                        const std::function<bool(std::string_view)>& on_part) override;
    std::string endpoint() const override;

private:
    class Handle;
    struct Pool;
    class Call;
    HttpResponse perform(const HttpRequest& request, const Limit& limit,
                         const std::function<bool(std::string_view)>* on_part);
    const HttpClientOptions options_;
    const std::unique_ptr<Pool> pool_;
};

}  // namespace pgedge
