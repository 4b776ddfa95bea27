#include "agent/cluster/cluster_issuer.hpp"

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/net/tls.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kAuthorityKeyName = "cluster/ca_key";

}  // namespace

KeyPair ClusterIssuer::issue(const CertificateRequest& request) const {
    return within("issuing a certificate for " + request.common_name, [&] {
        const auto rows = store_.read({.sql = "SELECT ca_key FROM cluster", .args = {}, .expect = {}}, Freshness::local,
                                      Limit(kLimit));
        if (rows.empty()) throw Error(ErrorKind::unreachable, "this host's copy of the store is not complete yet");
        return issue_certificate({certificate_, secrets_.open(kAuthorityKeyName, rows[0].blob(0))}, request);
    });
}

Blob ClusterIssuer::sealed_key(const Secrets& secrets, const Secret& key) {
    return {secrets.seal(kAuthorityKeyName, key)};
}

CertificateRequest agent_certificate(const Host& host) {
    CertificateRequest request{.common_name = host.id, .server = true, .client = true};
    request.dns_names = {agent_dns_name(host.id), host.id};
    // No other names: one that a joining host chose could be that of another host.
    for (const auto& address : host.peer_addresses)
        if (is_ip_address(address)) request.ip_addresses.push_back(address);
    return request;
}

}  // namespace pgedge
