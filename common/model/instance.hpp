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

/// A logical slot as its server, the provider, sees it.
struct SlotStatus {
    std::int64_t lag_bytes = 0;                 ///< WAL that its reader has not confirmed
    std::int64_t kept_bytes = 0;                ///< WAL that the server keeps for it
    std::string wal_status{};                   ///< reserved, extended, unreserved or lost
    std::optional<std::int64_t> safe_bytes{};   ///< WAL to come before it is lost; none: max_slot_wal_keep_size is off
    std::optional<std::int64_t> limit_bytes{};  ///< max_slot_wal_keep_size; none: it is off
    bool operator==(const SlotStatus&) const = default;
};

/// What stopped the apply worker of a subscription.
struct LinkFailure {
    WallTime since{};            ///< of the first look that saw it
    std::string error{};         ///< the server's own message, without details, which hold rows
    std::string action{};        ///< "INSERT into public.t", or kHeldBack; empty: unknown
    std::string commit_lsn{};    ///< of the transaction, on the provider; empty: it was not in a transaction
    std::string xid{};           ///< of the transaction, on the provider
    std::string committed_at{};  ///< as the server wrote it
    bool operator==(const LinkFailure&) const = default;
};

/// LinkFailure::action of a subscription that is off so that it passes over nothing.
inline constexpr std::string_view kHeldBack = "held back";

/// Transactions that Spock gave up: they are in its exception_log, and their changes are not here.
struct DiscardedTransactions {
    std::int64_t transactions = 0, rows = 0;
    WallTime since{};          ///< of the oldest
    std::string last_error{};  ///< of the newest
    bool operator==(const DiscardedTransactions&) const = default;
};

struct SubscriptionStatus {
    std::string provider_node, name, status;
    std::string slot;                       ///< on the provider
    std::optional<std::int64_t> lag_bytes;  ///< WAL the provider has and this subscription has not confirmed
    std::optional<WallTime> down_since;     ///< first look of those in a row that saw it down
    bool enabled = true;
    std::optional<LinkFailure> failure{};              ///< stands until the link has gone on past it
    std::optional<DiscardedTransactions> discarded{};  ///< not acknowledged yet
    std::optional<SlotStatus> at_provider{};           ///< filled in from the provider's status
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
    std::map<std::string, SlotStatus> slots;        ///< primary only: the database's logical slots by name
    std::optional<std::int64_t> wal_room_bytes;     ///< primary only: free space where its WAL is
    std::optional<std::int64_t> replay_lag_bytes;   ///< replica only
    KeylessTables keyless_tables;                   ///< primary only
    WallTime updated_at{};
    std::string trouble{};  ///< why the server is crashed; empty: it is not, or nobody knows
    /// Instance::updated_at as the agent knew it when it looked: tells without any clock whether the look was at what
    /// the last operation left. Absent in what the first version stored.
    std::optional<WallTime> of_update{};
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
    /// For how long no newer status has come, by the reader's own monotonic clock; absent where nobody watches that:
    /// then the times of two hosts' clocks have to do.
    std::optional<std::chrono::nanoseconds> quiet_for{};
};

/// A subscription's slot is known at its provider: takes over what was seen there.
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

/// Why an instance in that state, as shown_state() gives it, does not serve: the error of its last operation; of a
/// degraded one, what is known of its server. Empty: nothing is wrong, or all is told by the state.
std::string error_of(const Instance& instance, InstanceState state);

}  // namespace pgedge
