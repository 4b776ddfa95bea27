#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.hpp"
#include "common/model/instance.hpp"

namespace pgedge {

/// How a node is, as far as the agent that is asked knows.
enum class NodeState {
    healthy,
    degraded,    ///< it has a primary, and an instance that does not follow it
    no_primary,  ///< nobody serves, and another instance may take over
    blocked,     ///< nobody serves, and no instance may take over
    promoting,   ///< an instance has the lease and does not serve yet
    switching,   ///< a switchover or failover that was asked for is under way
};
std::string_view to_string(NodeState state);

/// An instance of a node, and whether it could become its primary.
struct NodeMember {
    std::string instance_id, host_id;
    InstanceState state = InstanceState::unknown;  ///< as instances are shown
    bool is_primary = false;
    std::optional<bool> running{}, streaming{};  ///< as it told; nullopt: it has told nothing, or is the primary
    std::optional<int> timeline{};
    std::string position{};                          ///< how far its log goes; empty: not known at this moment
    std::optional<std::int64_t> lag_bytes{};         ///< of the last primary's log, not received
    std::optional<std::int64_t> replay_lag_bytes{};  ///< received, not replayed
    std::optional<bool> synchronous{};   ///< commits wait for it, or for enough others; nullopt: they wait for nobody
    std::vector<std::string> reasons{};  ///< why it must not be promoted now; empty of the primary

    bool can_take_over() const { return !is_primary && reasons.empty(); }
};

/// A switchover or failover that is open.
struct NodeRequest {
    std::string task_id;
    std::string type;       ///< switchover or failover
    std::string stage;      ///< waiting, stopping or handing_over
    std::string candidate;  ///< empty: none is chosen yet
    std::optional<WallTime> scheduled_at{};
    bool skip_validation = false;
};

/// A node with the part that each of its instances has in its high availability.
struct NodeView {
    std::string database_id, name;
    NodeState state = NodeState::healthy;
    std::string error{};  ///< why it is not healthy
    std::string primary_instance, primary_host;
    std::optional<std::int64_t> term{};  ///< of the lease under which the last primary serves or served
    std::optional<int> timeline{};       ///< of the same
    std::string fixed_because{};         ///< why no other instance can become the primary, however they are
    std::string winner{};                ///< who would become the primary; empty: nobody
    /// What a failover to the winner would lose at most of what was written up to the primary's last renewal.
    std::optional<std::int64_t> loss_bytes_at_most{};
    std::optional<WallTime> maintenance_until{};  ///< nothing happens by itself before
    std::optional<NodeRequest> request{};
    std::vector<NodeMember> members{};
};

/// When and why a node got another primary.
struct NodeChange {
    std::int64_t term = 0;
    int timeline = 0;
    WallTime at{};
    std::string instance_id, from_instance_id, cause;
    std::string switch_lsn;       ///< where its timeline left the one before; empty: it is the first
    std::int64_t lost_bytes = 0;  ///< at most
};

}  // namespace pgedge
