#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/net/transport.hpp"

namespace pgedge {

/// Where the agents of a cluster are, and what proves who we are.
struct Target {
    std::vector<std::string> endpoints;  ///< tried in order
    std::string ca_file, cert_file, key_file;
    bool operator==(const Target&) const = default;
};

/// Throws UsageError when `endpoint` is no URL we can use: another scheme, or http:// to another machine without
/// `insecure_http`. Names are looked up for http:// only, to see whether they lead to this machine.
void check_endpoint(const std::string& endpoint, bool insecure_http);

/// Endpoints in one word or variable: divided by commas or blanks.
std::vector<std::string> endpoints_in(std::string text);

/// The error of a call of `endpoint`; one that got no answer says what to do.
Error with_advice(const Error& error, const std::string& endpoint);

/// The way to one agent. Reads the files of `target`; does not connect yet. Not for ssh://, see make_ssh_transport().
std::unique_ptr<Transport> connect(const std::string& endpoint, const Target& target);

}  // namespace pgedge
