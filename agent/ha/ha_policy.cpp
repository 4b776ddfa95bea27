#include "agent/ha/ha_policy.hpp"

#include <algorithm>

#include "agent/ha/lease_times.hpp"
#include "common/base/json.hpp"

namespace pgedge {

std::optional<HaPolicy> policy_from_resource(const std::string& body) {
    if (body.empty()) return HaPolicy{};
    try {
        const Json stored = parse_json(body);
        const Json& want = stored.at("want");
        HaPolicy policy;
        const std::string mode = want.at("mode");
        if (mode == "sync")
            policy.mode = HaPolicy::Mode::sync;
        else if (mode == "quorum")
            policy.mode = HaPolicy::Mode::quorum;
        else if (mode != "async")
            return std::nullopt;
        policy.sync_replicas = std::max(1, want.at("sync_replicas").get<int>());
        policy.max_lag_bytes = want.at("max_lag_bytes").get<std::uint64_t>();
        policy.ttl = std::max(kSmallestTtl, std::chrono::milliseconds(want.at("lease_ttl_ms").get<std::int64_t>()));
        policy.strict = want.at("strict").get<bool>();
        return policy;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

}  // namespace pgedge
