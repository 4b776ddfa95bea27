#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pgedge {

/// Where a server is: "http://127.0.0.1:3000", "https://db.example:3000/behind/proxy", "unix:///run/pgedge/agent.sock".
struct Url {
    enum class Scheme { http, https, unix_socket };
    Scheme scheme = Scheme::http;
    std::string host;  ///< name or address, IPv6 without brackets; empty for a socket
    int port = 0;      ///< 1..65535; 3000, the API's port, when the text names none; 0 for a socket
    std::string path;  ///< prefix of all paths, without a slash at its end; for a socket, its absolute path
    bool operator==(const Url&) const = default;
};

/// Throws Error{invalid_input} saying what is wrong. User names, queries and fragments are refused.
Url parse_url(std::string_view text);
std::string to_string(const Url& url);
/// One spelling of each host: names in lower case and without the dot of the root, addresses as the system writes them
/// (IPv6 with or without brackets, an IPv4 address in IPv6 form as IPv4). nullopt: neither a name nor an address.
std::optional<std::string> canonical_host(std::string_view text);
/// The host of "host", "host:port" or "[v6]:port", as canonical_host() writes it; nullopt when it is none of these.
std::optional<std::string> host_of_authority(std::string_view authority);
/// "127.0.0.1:3000", "[::1]:3000".
std::string host_and_port(std::string_view host, int port);

}  // namespace pgedge
