#pragma once

#include <functional>
#include <set>
#include <string>

#include "common/net/http.hpp"

namespace pgedge {

/// The names that requests may call this server by, so that a page from elsewhere cannot reach it by a name of its own
/// that suddenly leads here (DNS rebinding): to the browser, both are the same site. Safe from any thread.
///
/// Accepted in Host, and in a target that is a whole URL: loopback addresses and localhost, the address that the
/// connection came in at, `names`, and what `more` knows. The port does not matter: it may be forwarded. Not looked at
/// are unix sockets, which no browser reaches, and TLS, where the browser compares the name with the certificate.
class OwnNames {
public:
    using More = std::function<bool(const std::string& name)>;
    /// All names as canonical_host() writes them. `more` is asked last, and may take a while.
    OwnNames(std::set<std::string> names, More more) : names_(std::move(names)), more_(std::move(more)) {}

    /// Throws Error{invalid_input} when Host is neither a name nor an address, Error{denied} when it is not ours.
    void check(const HttpRequest& request) const;

private:
    void check_authority(const std::string& authority, const HttpRequest& request) const;
    const std::set<std::string> names_;
    const More more_;
};

}  // namespace pgedge
