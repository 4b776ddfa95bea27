#include "agent/store/roles.hpp"

#include <algorithm>

namespace pgedge {
namespace {

/// The engine's view and the wanted hosts side by side.
class Picture {
public:
    Picture(const std::vector<HostNode>& hosts, const std::vector<NodeInfo>& nodes, std::uint64_t leader)
        : hosts_(hosts), nodes_(nodes), leader_(leader) {}

    const HostNode* host_of(const NodeInfo& node) const {
        const auto found =
            std::find_if(hosts_.begin(), hosts_.end(), [&](const auto& host) { return host.node_id == node.id; });
        return found == hosts_.end() ? nullptr : &*found;
    }
    bool in_engine(const HostNode& host) const {
        return std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& node) { return node.id == host.node_id; });
    }
    bool dead(const NodeInfo& node) const {
        const auto* host = host_of(node);
        return host && host->health == NodeHealth::dead && node.id != leader_;
    }
    bool alive(const NodeInfo& node) const {
        const auto* host = host_of(node);
        return host && (host->health == NodeHealth::alive || node.id == leader_);
    }
    /// Counts among those we rely on: wanted, and not known to be dead.
    bool good(const NodeInfo& node) const { return host_of(node) && !dead(node); }

    std::size_t count_good(NodeRole role) const {
        return static_cast<std::size_t>(std::count_if(
            nodes_.begin(), nodes_.end(), [&](const auto& node) { return node.role == role && good(node); }));
    }
    template <class Fits>
    const NodeInfo* find(Fits fits) const {
        const auto found = std::find_if(nodes_.begin(), nodes_.end(), fits);
        return found == nodes_.end() ? nullptr : &*found;
    }
    const NodeInfo* alive_with(NodeRole role) const {
        return find([&](const auto& node) { return node.role == role && alive(node) && node.id != leader_; });
    }

    std::optional<RoleStep> membership() const;
    std::optional<RoleStep> leadership() const;
    std::optional<RoleStep> voters() const;
    std::optional<RoleStep> standbys() const;

private:
    const std::vector<HostNode>& hosts_;
    const std::vector<NodeInfo>& nodes_;
    std::uint64_t leader_;
};

RoleStep assign(const NodeInfo& node, NodeRole role) {
    return {.kind = RoleStep::Kind::assign, .node_id = node.id, .address = node.address, .role = role};
}

/// Nodes without a vote come and go freely. A host that comes back under a new id has to lose the old one first: the
/// engine takes an address once.
std::optional<RoleStep> Picture::membership() const {
    if (const auto* gone = find([&](const auto& node) { return node.role != NodeRole::voter && !host_of(node); }))
        return RoleStep{.kind = RoleStep::Kind::remove, .node_id = gone->id, .address = gone->address};
    for (const auto& host : hosts_) {
        const bool address_taken = find([&](const auto& node) { return node.address == host.host_id; }) != nullptr;
        if (!in_engine(host) && !address_taken)
            return RoleStep{.kind = RoleStep::Kind::add, .node_id = host.node_id, .address = host.host_id};
    }
    return std::nullopt;
}

/// A leader whose disk is full refuses changes; another voter need not.
std::optional<RoleStep> Picture::leadership() const {
    const auto full = [&](const auto& node) {
        const auto* host = host_of(node);
        return host && host->disk_full;
    };
    if (!find([&](const auto& node) { return node.id == leader_ && full(node); })) return std::nullopt;
    const auto* next = find([&](const auto& node) {
        return node.role == NodeRole::voter && node.id != leader_ && alive(node) && !full(node);
    });
    if (!next) return std::nullopt;
    return RoleStep{.kind = RoleStep::Kind::transfer, .node_id = next->id, .address = next->address};
}

std::optional<RoleStep> Picture::voters() const {
    const auto wanted = voters_for(hosts_.size());
    const auto good_voters = count_good(NodeRole::voter);
    if (good_voters < wanted) {
        const auto* next = alive_with(NodeRole::standby);
        if (!next) next = alive_with(NodeRole::spare);
        if (next) return assign(*next, NodeRole::voter);
    }
    const auto* unwanted = find([&](const auto& node) { return node.role == NodeRole::voter && !host_of(node); });
    if (unwanted && good_voters > 0) {
        if (unwanted->id == leader_) return RoleStep{.kind = RoleStep::Kind::transfer};
        // Without it the good ones must be a majority of what is left.
        const auto others = static_cast<std::size_t>(std::count_if(nodes_.begin(), nodes_.end(), [&](const auto& node) {
            return node.role == NodeRole::voter && node.id != unwanted->id;
        }));
        if (2 * good_voters > others)
            return RoleStep{.kind = RoleStep::Kind::remove, .node_id = unwanted->id, .address = unwanted->address};
    }
    if (good_voters >= wanted)
        if (const auto* lost = find([&](const auto& node) { return node.role == NodeRole::voter && dead(node); }))
            return assign(*lost, NodeRole::spare);
    if (good_voters > wanted)
        if (const auto* surplus = alive_with(NodeRole::voter)) return assign(*surplus, NodeRole::standby);
    return std::nullopt;
}

std::optional<RoleStep> Picture::standbys() const {
    const auto wanted = standbys_for(hosts_.size());
    const auto good_standbys = count_good(NodeRole::standby);
    if (good_standbys < wanted)
        if (const auto* next = alive_with(NodeRole::spare)) return assign(*next, NodeRole::standby);
    if (good_standbys >= wanted)
        if (const auto* lost = find([&](const auto& node) { return node.role == NodeRole::standby && dead(node); }))
            return assign(*lost, NodeRole::spare);
    if (good_standbys > wanted)
        if (const auto* surplus = alive_with(NodeRole::standby)) return assign(*surplus, NodeRole::spare);
    return std::nullopt;
}

}  // namespace

std::size_t voters_for(std::size_t hosts) { return hosts < 3 ? 1 : hosts < 5 ? 3 : 5; }

std::size_t standbys_for(std::size_t hosts) {
    const auto voters = voters_for(hosts);
    return hosts <= voters ? 0 : std::min<std::size_t>(2, hosts - voters);
}

std::optional<RoleStep> next_role_step(const std::vector<HostNode>& hosts, const std::vector<NodeInfo>& nodes,
                                       std::uint64_t leader) {
    if (hosts.empty()) return std::nullopt;  // not written yet, or not read: nothing to go by
    const Picture picture(hosts, nodes, leader);
    if (auto step = picture.membership()) return step;
    if (auto step = picture.leadership()) return step;
    if (auto step = picture.voters()) return step;
    return picture.standbys();
}

}  // namespace pgedge
