#include "common/net/url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr int kApiPort = 3000;

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
    throw Error(ErrorKind::invalid_input, "'" + std::string(text) + "' is not a usable URL: " + why,
                "write http://HOST:PORT, https://HOST:PORT or unix:///PATH");
}

std::optional<int> port_of(std::string_view text) {
    int port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    const bool good = error == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= 65535;
    return good ? std::optional(port) : std::nullopt;
}

bool is_host_name(std::string_view host) {
    return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
               c == '_';
    });
}

bool is_ipv6(const std::string& host) {
    in6_addr address{};
    return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

/// Takes "host", "host:port" or "[v6]:port" apart.
void read_authority(std::string_view text, std::string_view authority, Url& url) {
    std::string_view port;
    if (authority.starts_with('[')) {
        const auto close = authority.find(']');
        if (close == std::string_view::npos) refuse(text, "']' is missing");
        url.host = authority.substr(1, close - 1);
        if (!is_ipv6(url.host)) refuse(text, "'" + url.host + "' is not an IPv6 address");
        port = authority.substr(close + 1);
        if (!port.empty() && port[0] != ':') refuse(text, "a port must follow ']'");
    } else {
        const auto colon = authority.find(':');
        url.host = authority.substr(0, colon);
        if (!is_host_name(url.host)) refuse(text, "the host is missing or not a name or address");
        if (colon != std::string_view::npos) port = authority.substr(colon);
    }
    url.port = kApiPort;
    if (port.empty()) return;
    const auto number = port_of(port.substr(1));
    if (!number) refuse(text, "the port must be a number from 1 to 65535");
    url.port = *number;
}

}  // namespace

Url parse_url(std::string_view text) {
    if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c >= 0x7f; }))
        refuse(text, "it holds a blank or a character outside ASCII");
    const auto colon = text.find("://");
    if (colon == std::string_view::npos) refuse(text, "the scheme is missing");
    const auto scheme = text.substr(0, colon), rest = text.substr(colon + 3);
    if (rest.find_first_of("?#") != std::string_view::npos) refuse(text, "it may have no query and no fragment");

    Url url;
    if (scheme == "unix") {
        url.scheme = Url::Scheme::unix_socket;
        if (!rest.starts_with('/')) refuse(text, "the path of a socket must be absolute");
        url.path = rest;
        return url;
    }
    if (scheme != "http" && scheme != "https") refuse(text, "the scheme '" + std::string(scheme) + "' is not known");
    url.scheme = scheme == "https" ? Url::Scheme::https : Url::Scheme::http;
    const auto authority = rest.substr(0, rest.find('/'));
    if (authority.find('@') != std::string_view::npos) refuse(text, "it may hold no user name or password");
    read_authority(text, authority, url);
    url.path = rest.substr(authority.size());
    while (url.path.ends_with('/')) url.path.pop_back();
    return url;
}

std::string to_string(const Url& url) {
    if (url.scheme == Url::Scheme::unix_socket) return "unix://" + url.path;
    return (url.scheme == Url::Scheme::https ? "https://" : "http://") + host_and_port(url.host, url.port) + url.path;
}

std::optional<std::string> canonical_host(std::string_view text) {
    const bool bracketed = text.starts_with('[') && text.ends_with(']');
    const std::string host(bracketed ? text.substr(1, text.size() - 2) : text);
    char written[INET6_ADDRSTRLEN] = "";
    if (in6_addr v6{}; ::inet_pton(AF_INET6, host.c_str(), &v6) == 1) {
        constexpr std::size_t kMappedPrefix = 12;
        if (IN6_IS_ADDR_V4MAPPED(&v6))
            ::inet_ntop(AF_INET, &v6.s6_addr[kMappedPrefix], written, sizeof written);
        else
            ::inet_ntop(AF_INET6, &v6, written, sizeof written);
        return written;
    }
    std::string name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
    if (bracketed || !is_host_name(name)) return std::nullopt;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return name;
}

std::optional<std::string> host_of_authority(std::string_view authority) {
    const auto bracket = authority.rfind(']');
    const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon != std::string_view::npos) {
        const auto port = authority.substr(colon + 1);  // may be empty (RFC 3986, 3.2.3)
        if (!port.empty() && !port_of(port)) return std::nullopt;
    }
    const auto host = authority.substr(0, colon);
    if (host.find(':') != std::string_view::npos && !host.starts_with('[')) return std::nullopt;
    return canonical_host(host);
}

std::string host_and_port(std::string_view host, int port) {
    const bool v6 = host.find(':') != std::string_view::npos;
    return (v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + std::to_string(port);
}

}  // namespace pgedge
