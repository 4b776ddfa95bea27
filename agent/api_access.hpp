#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "agent/config/config.hpp"
#include "common/net/certificates.hpp"
#include "common/net/tls.hpp"

namespace pgedge {

// What the configuration says about who reaches the API, and how: certificates and names.

/// TLS of the API; null when none is configured. A client without a certificate of http.ca_cert completes the handshake
/// and is to be refused by HTTP (ListenAddress::open_target). Errors name the configuration key.
std::shared_ptr<ReloadableContext> api_tls(const AgentConfig& config);
/// What this agent shows to the API of another one; nullopt when none is configured. Errors name the configuration key.
std::optional<KeyPair> api_client_certificate(const AgentConfig& config);
/// Names and addresses of this host as canonical_host() writes them: those of the configuration, and the machine's
/// name.
std::set<std::string> configured_names(const AgentConfig& config);
/// True when /etc/hosts gives this name to a loopback address or to one of `addresses`: the administrator named it.
bool named_in_hosts_file(const std::string& name, const std::set<std::string>& addresses,
                         const std::filesystem::path& file = "/etc/hosts");

}  // namespace pgedge
