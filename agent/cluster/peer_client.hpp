#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "agent/store/store_peers.hpp"
#include "common/model/host.hpp"
#include "common/net/certificates.hpp"
#include "common/net/http.hpp"
#include "common/net/transport.hpp"

namespace pgedge {

/// Path of a store's call at another agent; the call's name follows.
inline constexpr std::string_view kStorePath = "/internal/store/";

/// Calls from this agent to others: TLS 1.3, each side proves its host id by its certificate, connections are kept.
/// Safe from any thread.
class PeerClient final : public StorePeers {
public:
    PeerClient(KeyPair own, std::string authority) : authority_(std::move(authority)), own_(std::move(own)) {}

    /// Throws as Transport::send(). `address.peer` is where the agent listens.
    HttpResponse send(const std::string& host_id, const PeerAddress& address, const HttpRequest& request,
                      const Limit& limit);
    std::string call(const std::string& host_id, const PeerAddress& address, std::string_view call,
                     const std::string& body, const Limit& limit) override;
    /// Shown from now on.
    void set_certificate(const KeyPair& own);

private:
    struct Kept {
        std::string peer;
        std::shared_ptr<Transport> transport;
    };
    std::shared_ptr<Transport> transport_to(const std::string& host_id, const PeerAddress& address);

    const std::string authority_;
    std::mutex mutex_;  // guards what follows
    KeyPair own_;
    std::map<std::string, Kept> kept_;  ///< by host id
};

/// Where other agents reach the host, by its first peer address. Throws Error{invalid_input} when it has none.
PeerAddress peer_address_of(const Host& host);

}  // namespace pgedge
