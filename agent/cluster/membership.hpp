#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/limit.hpp"
#include "common/model/host.hpp"

namespace pgedge {

struct JoinToken {
    std::string token;  ///< "PGEDGE-<64 hex: SHA-256 of the CA>-<32 hex secret>"
    std::vector<std::string> server_urls;
    /// Of a join: this host was in the cluster, has lost its data directory, and comes back with its own id.
    bool replace = false;
};

/// Whether this agent belongs to a cluster, and how it comes to. Behind the cluster endpoints of the API. Safe from any
/// thread; init and join exclude each other.
class Membership {
public:
    virtual ~Membership() = default;
    virtual bool initialized() const = 0;
    /// Makes a cluster of this host alone; blocks until it serves. Throws cluster_already_initialized.
    virtual JoinToken init(const std::optional<std::string>& cluster_id, const Limit& limit) = 0;
    /// Joins the cluster of the first server that answers; blocks until this host is ready. Throws invalid_join_token,
    /// cluster_already_initialized, invalid_input (host id taken, or `replace` of a host that is there), unreachable
    /// (with what each server said).
    virtual void join(const JoinToken& token, const Limit& limit) = 0;
    virtual JoinToken join_token(const Limit& limit) = 0;  ///< throws cluster_not_initialized
    virtual std::string cluster_id() const = 0;
};

}  // namespace pgedge
