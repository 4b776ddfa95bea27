#include "agent/serve/own_names.hpp"

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/net/url.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kShown = 80;

bool is_loopback_name(const std::string& host) {
    return host == "localhost" || host == "::1" || (host.starts_with("127.") && is_ip_address(host));
}

}  // namespace

void OwnNames::check(const HttpRequest& request) const {
    if (request.caller.over_unix_socket() || request.encrypted) return;
    if (!request.authority.empty()) check_authority(request.authority, request);
    // HTTP/1.1 without Host has been refused already; browsers do not speak HTTP/1.0.
    if (const auto host = request.headers.find("Host"); host != request.headers.end())
        check_authority(host->second, request);
}

void OwnNames::check_authority(const std::string& authority, const HttpRequest& request) const {
    const auto host = host_of_authority(authority);
    if (!host)
        throw Error(ErrorKind::invalid_input,
                    "the request's Host \"" + shortened(authority, kShown) + "\" is not a host name or address");
    if (is_loopback_name(*host) || names_.contains(*host) || host == canonical_host(request.own_address)) return;
    if (more_(*host)) return;
    throw Error(ErrorKind::denied,
                "the request's Host \"" + shortened(authority, kShown) + "\" is not a name or address of this agent",
                "use one of the agent's addresses, a host id or localhost, or add the name to the agent's "
                "configuration key http.server_names (PGEDGE_HTTP__SERVER_NAMES)");
}

}  // namespace pgedge
