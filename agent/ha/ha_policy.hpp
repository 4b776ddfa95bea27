#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "common/spec/database_spec.hpp"

namespace pgedge {

/// `spec.ha` of one node, as its agents follow it.
struct HaPolicy {
    enum class Mode { async, sync, quorum };
    Mode mode = Mode::async;
    int sync_replicas = 1;
    std::uint64_t max_lag_bytes = kMaxLagBytes;
    std::chrono::milliseconds ttl = kLeaseTtl;
    bool strict = false;
    bool operator==(const HaPolicy&) const = default;
};

/// Of the stored resource `database.high_availability`; "" is the policy of a node without one. nullopt: it cannot be
/// read, and nothing must be concluded from it.
std::optional<HaPolicy> policy_from_resource(const std::string& body);

}  // namespace pgedge
