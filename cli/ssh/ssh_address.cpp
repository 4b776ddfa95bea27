#include "cli/ssh/ssh_address.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kScheme = "ssh://";

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
    throw Error(ErrorKind::invalid_input, "'" + text + "' is not a usable SSH address: " + why,
                "write ssh://[USER@]HOST[:PORT], e.g. ssh://root@host-1");
}

bool is_plain(std::string_view text, std::string_view others) {
    return std::all_of(text.begin(), text.end(), [&](unsigned char c) {
        return std::isalnum(c) || others.find(static_cast<char>(c)) != std::string_view::npos;
    });
}

int port_in(const std::string& text, std::string_view digits) {
    int port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || port < 1 || port > 65535)
        refuse(text, "the port must be a number from 1 to 65535");
    return port;
}

}  // namespace

bool is_ssh_endpoint(const std::string& endpoint) { return endpoint.starts_with(kScheme); }

SshAddress parse_ssh_address(const std::string& endpoint) {
    if (!is_ssh_endpoint(endpoint)) refuse(endpoint, "it does not begin with ssh://");
    SshAddress address;
    std::string_view rest = std::string_view(endpoint).substr(kScheme.size());
    if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
        address.socket = rest.substr(slash);
        rest = rest.substr(0, slash);
        if (address.socket == "/") address.socket.clear();
        if (!is_plain(address.socket, "/._-+:@")) refuse(endpoint, "the socket's path holds unusual characters");
    }
    if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
        address.user = rest.substr(0, at);
        rest = rest.substr(at + 1);
        if (address.user.find(':') != std::string::npos) refuse(endpoint, "it may hold no password");
        if (address.user.empty() || address.user[0] == '-' || !is_plain(address.user, "._-+@\\"))
            refuse(endpoint, "'" + address.user + "' is not a user name");
    }
    std::string_view host = rest, port;
    if (rest.starts_with('[')) {
        const auto close = rest.find(']');
        if (close == std::string_view::npos) refuse(endpoint, "']' is missing");
        host = rest.substr(1, close - 1);
        port = rest.substr(close + 1);
        if (!port.empty() && port[0] != ':') refuse(endpoint, "a port must follow ']'");
    } else if (const auto colon = rest.find(':'); colon != std::string_view::npos) {
        host = rest.substr(0, colon);
        port = rest.substr(colon);
    }
    if (!port.empty()) address.port = port_in(endpoint, port.substr(1));
    address.host = host;
    if (host.empty() || host.size() > 253 || host[0] == '-' || !is_plain(host, "._-:%"))
        refuse(endpoint, "the host is missing or not a name or address");
    return address;
}

std::string to_string(const SshAddress& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    std::string text(kScheme);
    if (!address.user.empty()) text += address.user + "@";
    text += v6 ? "[" + address.host + "]" : address.host;
    if (address.port != 0) text += ":" + std::to_string(address.port);
    return text + address.socket;
}

}  // namespace pgedge
