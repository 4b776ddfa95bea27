#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.hpp"
#include "common/base/json.hpp"

namespace pgedge {

enum class InstanceState { creating, modifying, deleting, backing_up, available, degraded, failed, stopped, unknown };
std::string_view to_string(InstanceState state);
InstanceState parse_instance_state(std::string_view text);

struct SubscriptionStatus {
    std::string provider_node, name, status;
    std::string slot;                       ///< on the provider
    std::optional<std::int64_t> lag_bytes;  ///< WAL the provider has and this subscription has not confirmed
    std::optional<WallTime> down_since;     ///< first look of those in a row that saw it down
    bool operator==(const SubscriptionStatus&) const = default;
};

/// Tables of which the other nodes get inserts only.
struct KeylessTables {
    std::int64_t count = 0;
    std::vector<std::string> names;  ///< the first of them
    bool operator==(const KeylessTables&) const = default;
};

/// What the agent last saw of a server. Kept apart from Instance because it changes every few seconds.
struct InstanceStatus {
    std::string postgres_version;  ///< "15.18"
    std::string postgres_state;    ///< in the API's `patroni_state` words: running, starting, stopped, crashed …
    std::string role;              ///< primary or replica
    bool pending_restart = false;
    std::string extension_version;
    std::string read_only;
    std::vector<SubscriptionStatus> subscriptions;  ///< primary only
    /// Primary only: bytes of WAL that the reader of a logical slot has not confirmed, by the slot's name.
    std::map<std::string, std::int64_t> slot_lag_bytes;
    std::optional<std::int64_t> replay_lag_bytes;  ///< replica only
    KeylessTables keyless_tables;                  ///< primary only
    WallTime updated_at{};
    bool operator==(const InstanceStatus&) const = default;
};

/// One PostgreSQL server of a node on one host.
struct Instance {
    std::string id;  ///< instance_id()
    std::string database_id, node_name, host_id;
    InstanceState state = InstanceState::creating;
    std::string error;
    std::optional<int> port;  ///< published port; absent when not published
    int listen_port = 0;      ///< the port the server has, published or not; kept for life
    bool stopped = false;     ///< by wish of a user
    WallTime created_at{}, updated_at{};
    std::optional<InstanceStatus> status;
};

/// A subscription's lag is known at its provider: takes it over from there, where both were seen.
void fill_in_lags(std::vector<Instance>& instances);

/// "<database>-<node>-<h8>", h8 = first 8 characters of base36(SHA-1(host id)): host-1 → 689qacsi, host-2 → 9ptayhma,
/// host-3 → ant97dj4. Deterministic, as the pgEdge Control Plane makes them.
std::string instance_id(std::string_view database_id, std::string_view node_name, std::string_view host_id);

/// Its status; none when that was seen before the instance became available: a server that was starting then, or had a
/// restart pending, tells nothing of what the operation left.
const InstanceStatus* current_status(const Instance& instance, WallTime now);

/// The state to show: a stored `available` whose status is older than 10 s is `unknown`; the stopped flag and the
/// server's own state come next (control-plane API, "state of an instance is computed").
InstanceState shown_state(const Instance& instance, WallTime now);

/// Its last status says that a subscription is down, and was for 10 s, not counting the time before `from`: links are
/// down for a moment when they are made, and when a server starts.
bool has_link_down(const Instance& instance, WallTime from);

}  // namespace pgedge
