#include "cli/reach/endpoint.hpp"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <netdb.h>

#include "cli/exit_codes.hpp"
#include "cli/ssh/ssh_address.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/net/http_client.hpp"
#include "common/net/url.hpp"

namespace pgedge {
namespace {

bool is_loopback(const sockaddr* address) {
    if (address->sa_family == AF_INET)
        return (ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24) == 127;
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
    return false;
}

/// True when every address of the host is this machine's own loopback.
bool leads_to_loopback(const std::string& host) {
    addrinfo wanted{}, *found = nullptr;
    wanted.ai_socktype = SOCK_STREAM;
    if (::getaddrinfo(host.c_str(), nullptr, &wanted, &found) != 0) return false;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
    for (const addrinfo* one = found; one; one = one->ai_next)
        if (!is_loopback(one->ai_addr)) return false;
    return found != nullptr;
}

Url url_of(const std::string& endpoint) {
    try {
        return parse_url(endpoint);
    } catch (const Error& error) {
        throw UsageError(error.text(), error.hint());
    }
}

/// A PEM file of the options or the context: libcurl would name neither the file nor what it should hold.
std::string read_pem(const std::string& file, const std::string& what, std::string_view holds) {
    std::string text = within("reading the " + what, [&] { return read_file(file); });
    if (text.find(holds) != std::string::npos) return text;
    throw UsageError(file + " is no " + what + ": there is no \"" + std::string(holds) + "\" in it");
}

/// What helps against an error with these words of OpenSSL, libcurl or the system.
struct Advice {
    std::string_view words, hint;
};
constexpr std::array kAdvice{
    Advice{"alternative certificate subject name",
           "use a name or an address that is in the agent's certificate, or put this one into it (http.server_cert "
           "there)"},
    Advice{"certificate has expired", "renew the agent's certificate, http.server_cert there; or is a clock wrong?"},
    Advice{"certificate is not yet valid", "the clock of this machine, or of the one that signed it, is wrong"},
    Advice{"is not trusted", "name the authority that signed it: --ca-file; or is it the address of another host?"},
    Advice{"alert certificate required", "this agent wants to know its clients: --cert-file and --key-file"},
    Advice{"alert unknown ca", "the agent does not know who signed your certificate: --cert-file and --key-file"},
    Advice{"alert certificate expired", "your certificate has expired: --cert-file and --key-file"},
    Advice{"alert bad certificate", "the agent refuses your certificate: --cert-file and --key-file"},
    Advice{"unable to set private key", "the key of --key-file does not belong to the certificate of --cert-file"},
    Advice{"Could not resolve host", "is the name right, and known to this machine?"},
    Advice{"Permission denied", "it belongs to another user: run this as that one, e.g. with sudo"},
    Advice{"timed out",
           "it may be busy, or cut off, and what changes something may be done all the same: pgedgectl task list; to "
           "wait longer: --request-timeout 2m"},
};

std::string advice_for(const std::string& text, const std::string& endpoint) {
    constexpr std::string_view kHttps = "https://", kHttp = "http://";
    // What OpenSSL says about an answer that does not begin like TLS, and libcurl about a server that waits for TLS.
    if (text.find("wrong version number") != std::string::npos && endpoint.starts_with(kHttps))
        return "it does not speak TLS; write http://" + endpoint.substr(kHttps.size());
    if (text.find("Empty reply") != std::string::npos && endpoint.starts_with(kHttp))
        return "it may speak TLS; write https://" + endpoint.substr(kHttp.size()) + " with --ca-file";
    // Servers that end the handshake because of our certificate and close before we have read why.
    constexpr std::array kBrokenOff{"Connection reset", "Broken pipe", "getpeername() failed", "unexpected eof"};
    const auto is_in_text = [&](const char* words) { return text.find(words) != std::string::npos; };
    if (endpoint.starts_with(kHttps) && std::any_of(kBrokenOff.begin(), kBrokenOff.end(), is_in_text))
        return "it ended the connection: it may want a client certificate of its authority, --cert-file and --key-file";
    for (const auto& [words, hint] : kAdvice)
        if (text.find(words) != std::string::npos) return std::string(hint);
    return "is the agent running there? another endpoint: --endpoint, PGEDGECTL_ENDPOINT or `pgedgectl context`";
}

}  // namespace

void check_endpoint(const std::string& endpoint, bool insecure_http) {
    if (is_ssh_endpoint(endpoint)) try {
            parse_ssh_address(endpoint);
            return;
        } catch (const Error& error) {
            throw UsageError(error.text(), error.hint());
        }
    const Url url = url_of(endpoint);
    if (url.scheme != Url::Scheme::http || insecure_http || leads_to_loopback(url.host)) return;
    throw UsageError("http:// is for agents on this machine, and " + endpoint +
                         " is not: everything would be readable "
                         "on the way",
                     "use https:// with --ca-file, or --insecure-http where nobody else listens");
}

std::vector<std::string> endpoints_in(std::string text) {
    std::replace(text.begin(), text.end(), ',', ' ');
    std::vector<std::string> all;
    for (const auto& one : split(text, ' '))
        if (!one.empty()) all.push_back(one);
    return all;
}

Error with_advice(const Error& error, const std::string& endpoint) {
    if (error.kind() != ErrorKind::unreachable && error.kind() != ErrorKind::timed_out) return error;
    if (is_ssh_endpoint(endpoint) && !error.hint().empty()) return error;
    return {error.kind(), error.text(), advice_for(error.text(), endpoint)};
}

std::unique_ptr<Transport> connect(const std::string& endpoint, const Target& target) {
    HttpClientOptions options;
    options.server = url_of(endpoint);
    if (options.server.scheme == Url::Scheme::https) {
        constexpr std::string_view kCertificate = "CERTIFICATE-----", kKey = "PRIVATE KEY-----";
        if (!target.ca_file.empty())
            options.authorities = read_pem(target.ca_file, "certificate authority (--ca-file)", kCertificate);
        if (target.cert_file.empty() != target.key_file.empty())
            throw UsageError("a client certificate needs both --cert-file and --key-file");
        if (!target.cert_file.empty())
            options.own = KeyPair{read_pem(target.cert_file, "client certificate (--cert-file)", kCertificate),
                                  Secret(read_pem(target.key_file, "private key (--key-file)", kKey))};
    }
    return std::make_unique<HttpTransport>(std::move(options));
}

}  // namespace pgedge
