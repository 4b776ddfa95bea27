#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/net/principal.hpp"

namespace pgedge {

/// Header names compare without regard to case.
struct HeaderLess {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
};
using Headers = std::map<std::string, std::string, HeaderLess>;
using Query = std::vector<std::pair<std::string, std::string>>;  ///< decoded, in order of the URL; names may repeat

/// Name of the listeners at which an agent serves an API that names none of its own.
inline constexpr std::string_view kApiListener = "api";

struct HttpRequest {
    std::string method = "GET";
    std::string path;  ///< decoded, without the query: "/v1/databases/storefront"
    std::string
        raw_path;  ///< as it was sent; of a request that a server took. Shows where segments end: "a%2Fb" is one
    Query query;
    Headers headers;
    std::string body;
    Principal caller;
    std::string listener{kApiListener};  ///< name of the listener that it came in at (ListenAddress::name)
    std::string own_address;             ///< of this machine, where it came in; empty over a unix socket
    bool encrypted = false;              ///< it came over TLS
    std::string authority;               ///< "host:port" of a target that was sent as a whole URL; else empty
    /// Requested as soon as the server begins to stop, and, unless it is a GET or HEAD, when the client leaves. For
    /// waits that may be cut short (followers, long polls, the store without a majority); work that was begun is better
    /// finished.
    std::stop_token stop;
    /// What its API reserved before the body was read (BodyTerms::reserved); goes with the request.
    std::shared_ptr<void> reserved;

    /// Last value of a query parameter.
    std::optional<std::string> parameter(std::string_view name) const;
};

/// Writes one part of a streamed body; false when the client has gone or the server stops. An empty part sends nothing
/// and asks just that.
using BodyWriter = std::function<bool(std::string_view part)>;

struct HttpResponse {
    int status = 200;
    Headers headers;
    std::string body;
    /// When set, the body is sent in chunks as this function writes them, and `body` is ignored.
    std::function<void(const BodyWriter&)> stream;
    /// The length of a streamed body, where it is known: told in Content-Length, and the body is sent without chunks. A
    /// stream that ends with another length breaks the connection off, so that nobody takes a part for the whole.
    std::optional<std::uint64_t> stream_size{};
};

std::string url_encode(std::string_view text);
/// Throws Error{invalid_input} on a broken escape or a NUL.
std::string url_decode(std::string_view text);
/// "a=1&b=x%20y" → pairs. Throws Error{invalid_input}.
Query parse_query(std::string_view text);
/// "/v1/databases?limit=5" of a request.
std::string target_of(const HttpRequest& request);

}  // namespace pgedge
