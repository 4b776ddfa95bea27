#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/ha/observation.hpp"
#include "common/net/http.hpp"

namespace pgedge {

/// What the agent knows of one of its servers without asking anybody, for those who route clients to it.
struct InstanceHealth {
    ServerPhase phase = ServerPhase::absent;
    bool answers = false;                      ///< to SQL, at the last look
    bool leader = false;                       ///< may write at this moment: by its lease, or because it is alone
    bool ending = false;                       ///< it is being stopped, or gives its place away
    bool streaming = false;                    ///< of a replica
    std::optional<std::uint64_t> lag_bytes{};  ///< of a replica, behind what its primary told last
    int timeline = 0;                          ///< 0: not known
    std::int64_t term = 0;                     ///< of the lease; 0: it has none
    std::chrono::nanoseconds age{};            ///< of the last look
    std::chrono::nanoseconds trusted{};        ///< an older look says nothing

    bool is_fresh() const { return age <= trusted; }
    bool is_primary() const { return is_fresh() && leader && answers && phase == ServerPhase::primary && !ending; }
    bool is_replica() const { return is_fresh() && answers && phase == ServerPhase::standby && !ending; }
};

/// The HTTP status of a health check: `path` is its last segment ("replica", or empty), as of Patroni. nullopt: there
/// is no such check. Throws Error{invalid_input} for a query that makes no sense. Pure.
std::optional<int> health_status(std::string_view path, const Query& query, const InstanceHealth& health);

/// "primary", "replica", "promoting", or empty: it runs as nothing.
std::string_view role_word(const InstanceHealth& health);

}  // namespace pgedge
