#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "agent/store/store.hpp"
#include "agent/store/tables/secrets.hpp"
#include "common/base/clock.hpp"
#include "common/base/secret.hpp"

namespace pgedge {

/// What a join token says: "PGEDGE-<fingerprint>-<secret>".
struct JoinTokenParts {
    std::string fingerprint;  ///< SHA-256 of the cluster's authority, 64 hex digits: whom to trust
    Secret secret;            ///< 32 hex digits: that we may come in
};
/// Throws Error{denied}, invalid_join_token.
JoinTokenParts parse_join_token(std::string_view token);

/// The tokens of the cluster, in its store: hashed to be compared, sealed to be shown again. Safe from any thread.
class JoinTokens {
public:
    /// A token is valid so long: it travels in chats and scripts, where it would otherwise be good for ever.
    static constexpr std::chrono::hours kLife{24};
    /// current() shows a token only while it has so much left, and makes a new one else; the old one stays valid to its
    /// end.
    static constexpr std::chrono::hours kLeast{6};

    JoinTokens(Store& store, const Secrets& secrets, const Clock& clock, std::string authority_fingerprint)
        : store_(store), secrets_(secrets), clock_(clock), fingerprint_(std::move(authority_fingerprint)) {}

    /// The newest token that has kLeast left, or a new one; drops those that have expired.
    std::string current(const Limit& limit) const;
    /// Throws Error{denied}, invalid_join_token, also when it has expired. Takes the same time for every wrong secret.
    void check(const Secret& secret, const Limit& limit) const;

private:
    Store& store_;
    const Secrets& secrets_;
    const Clock& clock_;
    const std::string fingerprint_;
};

}  // namespace pgedge
