#include "agent/ha/instance_health.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::uint64_t kReadyLag = 1 << 20;
constexpr std::size_t kShownValue = 60;

/// What a check asks for besides its path.
struct HealthLimits {
    std::optional<std::uint64_t> lag;
    bool streaming = false;
    bool tagged = false;  ///< asks for a tag, which no instance has
};

/// "4096", "16kB": units as PostgreSQL has them. nullopt: it is no size, or more than there is.
std::optional<std::uint64_t> size_from(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 6> kUnits{
        {{"", 1}, {"B", 1}, {"kB", 1ULL << 10}, {"MB", 1ULL << 20}, {"GB", 1ULL << 30}, {"TB", 1ULL << 40}}};
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{}) return std::nullopt;
    const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
    for (const auto& [word, factor] : kUnits)
        if (unit == word && number <= (1ULL << 60) / factor) return number * factor;
    return std::nullopt;
}

[[noreturn]] void refuse_query(const std::string& key, const std::string& value, const std::string& wanted) {
    throw Error(
        ErrorKind::invalid_input,
        fmt::format("query parameter {}={} makes no sense", shortened(key, kShownValue), shortened(value, kShownValue)),
        wanted);
}

HealthLimits limits_of(const Query& query) {
    HealthLimits limits;
    for (const auto& [key, value] : query) {
        if (key == "lag") {
            const auto bytes = size_from(value);
            if (!bytes) refuse_query(key, value, "lag is a number of bytes, or like 16kB, 10MB or 1GB");
            limits.lag = *bytes;
        } else if (key == "replication_state") {
            if (value != "streaming") refuse_query(key, value, "the only state to ask for is streaming");
            limits.streaming = true;
        } else if (key == "mode") {
            if (value != "apply" && value != "write") refuse_query(key, value, "mode is apply or write");
        } else if (key.starts_with("tag_")) {
            limits.tagged = true;
        } else {
            refuse_query(key, value, "there are lag, replication_state, mode and tag_NAME");
        }
    }
    return limits;
}

bool is_replica_within(const InstanceHealth& health, const HealthLimits& limits) {
    if (!health.is_replica() || limits.tagged || (limits.streaming && !health.streaming)) return false;
    return !limits.lag || (health.lag_bytes && *health.lag_bytes <= *limits.lag);
}

struct Check {
    std::string_view path;
    bool (*holds)(const InstanceHealth&, const HealthLimits&);
};

bool is_primary(const InstanceHealth& health, const HealthLimits&) { return health.is_primary(); }
bool is_leader(const InstanceHealth& health, const HealthLimits&) { return health.is_fresh() && health.leader; }
bool is_nothing(const InstanceHealth&, const HealthLimits&) { return false; }
bool is_readable(const InstanceHealth& health, const HealthLimits& limits) {
    return (health.is_primary() && !limits.tagged) || is_replica_within(health, limits);
}
bool answers(const InstanceHealth& health, const HealthLimits&) { return health.is_fresh() && health.answers; }
bool is_looked_after(const InstanceHealth& health, const HealthLimits&) {
    return health.age <= (health.leader ? health.trusted : 2 * health.trusted);
}
bool is_ready(const InstanceHealth& health, const HealthLimits& limits) {
    if (is_leader(health, limits)) return true;
    return health.is_replica() && health.streaming && health.lag_bytes &&
           *health.lag_bytes <= limits.lag.value_or(kReadyLag);
}

/// No replica is synchronous yet, and there are no clusters that follow another one.
constexpr std::array kChecks{
    Check{"", is_primary},
    Check{"primary", is_primary},
    Check{"master", is_primary},
    Check{"read-write", is_primary},
    Check{"leader", is_leader},
    Check{"standby-leader", is_nothing},
    Check{"standby_leader", is_nothing},
    Check{"replica", is_replica_within},
    Check{"read-only", is_readable},
    Check{"asynchronous", is_replica_within},
    Check{"async", is_replica_within},
    Check{"synchronous", is_nothing},
    Check{"sync", is_nothing},
    Check{"quorum", is_nothing},
    Check{"read-only-sync", is_primary},
    Check{"read-only-quorum", is_primary},
    Check{"health", answers},
    Check{"liveness", is_looked_after},
    Check{"readiness", is_ready},
};

}  // namespace

std::optional<int> health_status(std::string_view path, const Query& query, const InstanceHealth& health) {
    const auto* const found =
        std::find_if(kChecks.begin(), kChecks.end(), [&](const Check& each) { return each.path == path; });
    if (found == kChecks.end()) return std::nullopt;
    return found->holds(health, limits_of(query)) ? 200 : 503;
}

std::string_view role_word(const InstanceHealth& health) {
    switch (health.phase) {
        case ServerPhase::primary: return "primary";
        case ServerPhase::promoting: return "promoting";
        case ServerPhase::standby: return health.leader ? "promoting" : "replica";
        default: return "";
    }
}

}  // namespace pgedge
