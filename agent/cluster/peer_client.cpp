#include "agent/cluster/peer_client.hpp"

#include "agent/store/cluster_store.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/net/http_client.hpp"
#include "common/net/tls.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::milliseconds kConnectLimit{2000};

}  // namespace

HttpResponse PeerClient::send(const std::string& host_id, const PeerAddress& address, const HttpRequest& request,
                              const Limit& limit) {
    return transport_to(host_id, address)->send(request, limit);
}

std::string PeerClient::call(const std::string& host_id, const PeerAddress& address, std::string_view call,
                             const std::string& body, const Limit& limit) {
    HttpRequest request;
    request.method = "POST";
    request.path = std::string(kStorePath) + std::string(call);
    request.headers["Content-Type"] = "application/octet-stream";
    request.body = body;
    HttpResponse response = send(host_id, address, request, limit);
    if (response.status != 200)
        throw Error(ErrorKind::unreachable, "the store of host " + host_id + " answered with status " +
                                                std::to_string(response.status) + ": " + shortened(response.body, 200));
    return std::move(response.body);
}

void PeerClient::set_certificate(const KeyPair& own) {
    std::lock_guard lock(mutex_);
    own_ = own;
    kept_.clear();  // calls under way end on the old ones
}

std::shared_ptr<Transport> PeerClient::transport_to(const std::string& host_id, const PeerAddress& address) {
    std::lock_guard lock(mutex_);
    Kept& kept = kept_[host_id];
    if (kept.transport && kept.peer == address.peer) return kept.transport;
    kept = {address.peer,
            std::make_shared<HttpTransport>(HttpClientOptions{.server = parse_url("https://" + address.peer),
                                                              .authorities = authority_,
                                                              .own = own_,
                                                              .server_name = agent_dns_name(host_id),
                                                              .tls13_only = true,
                                                              .connect_limit = kConnectLimit,
                                                              .max_body = ClusterStore::kMaxAnswer})};
    return kept.transport;
}

PeerAddress peer_address_of(const Host& host) {
    if (host.peer_addresses.empty()) throw Error(ErrorKind::invalid_input, "host " + host.id + " has no peer address");
    const std::string& address = host.peer_addresses.front();
    return {host_and_port(address, host.store_port), host_and_port(address, host.peer_port)};
}

}  // namespace pgedge
