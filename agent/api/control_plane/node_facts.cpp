#include "agent/api/control_plane/node_facts.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/ha/candidates.hpp"
#include "agent/ha/logical_slots.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// Beats come every two seconds; after this a host counts as down, as it does when somebody asks for a failover.
constexpr std::chrono::seconds kSilentHost{5};

std::string fixed_because(const NodeFacts& facts) {
    const auto nodes = facts.database.spec.nodes.size();
    const auto instances = std::count_if(facts.instances.begin(), facts.instances.end(),
                                         [&](const Instance& instance) { return instance.node_name == facts.name; });
    if (instances < 2) return "the node has one instance";
    return fixed_by_links(facts.database.dialect, nodes);
}

/// Why the instance does not serve at this moment, as its agent's signs of life and its server's status tell; empty: it
/// does.
std::string down_because(const NodeFacts& facts, const Instance& instance) {
    if (facts.liveness && facts.liveness->silent_for(instance.host_id) > kSilentHost)
        return fmt::format("its host {} does not answer", instance.host_id);
    const auto state = shown_state(instance, facts.now);
    if (state == InstanceState::available) return "";
    const auto error = error_of(instance, state);
    return error.empty() ? fmt::format("its state is {}", to_string(state)) : error;
}

/// What an instance may lack of the last primary's log, and still be promoted.
std::uint64_t most_lag(const NodeFacts& facts) { return facts.node.policy.value_or(HaPolicy{}).max_lag_bytes; }

/// Positions are told while there is no primary; when all is well they change too fast.
Lsn told_position(const Candidate& told) { return std::max(told.received, told.replayed); }

void add_reasons(const NodeFacts& facts, const Candidate* told, NodeMember& member) {
    if (!told) {
        if (member.reasons.empty()) member.reasons = {"it has told nothing of itself yet"};
        return;
    }
    const bool positions = told_position(*told) > Lsn{};
    CandidateLimits limits;
    if (positions && !facts.node.sync) limits.max_lag_bytes = most_lag(facts);
    const LastPrimary none{
        .instance_id = {}, .system_identifier = told->system_identifier, .timeline = told->timeline, .position = {}};
    for (auto& reason : reasons_against(*told, facts.node.last.value_or(none), limits))
        member.reasons.push_back(std::move(reason));
}

NodeMember member_of(const NodeFacts& facts, const Instance& instance, const std::string& fixed) {
    const auto& last = facts.node.last;
    NodeMember member;
    member.instance_id = instance.id;
    member.host_id = instance.host_id;
    member.state = shown_state(instance, facts.now);
    member.is_primary = instance.id == facts.node.primary_instance;
    if (member.is_primary) {
        if (last && last->instance_id == instance.id) {
            member.timeline = last->timeline;
            if (last->position) member.position = to_string(*last->position);
        }
        return member;
    }
    if (const auto* status = current_status(instance, facts.now)) member.replay_lag_bytes = status->replay_lag_bytes;
    const auto* known = facts.node.find(instance.id);
    const Candidate* told = known && known->told ? &*known->told : nullptr;
    if (told) {
        member.running = told->running;
        member.streaming = told->streaming;
        member.timeline = told->timeline;
        if (const auto position = told_position(*told); position > Lsn{}) {
            member.position = to_string(position);
            if (last && last->position)
                member.lag_bytes = static_cast<std::int64_t>(bytes_between(position, *last->position));
        }
    }
    if (facts.node.sync) member.synchronous = facts.node.sync->set.members.contains(instance.id);
    if (!fixed.empty()) {
        member.reasons = {fixed};
        return member;
    }
    if (auto down = down_because(facts, instance); !down.empty()) member.reasons.push_back(std::move(down));
    add_reasons(facts, told, member);
    return member;
}

/// Who has most by what is told; else the first, whom a primary that hands over prefers as well.
void find_winner(const NodeFacts& facts, NodeView& view) {
    const Candidate* best = nullptr;
    for (const auto& member : view.members) {
        if (!member.can_take_over() || member.synchronous == false) continue;
        const auto& told = *facts.node.find(member.instance_id)->told;
        if (best && !is_better(told, *best)) continue;
        best = &told;
        view.winner = member.instance_id;
        view.loss_bytes_at_most = facts.node.sync ? 0 : member.lag_bytes.value_or(most_lag(facts));
    }
}

std::optional<NodeRequest> request_of(const HaNode& node) {
    if (!node.request) return std::nullopt;
    const auto& asked = *node.request;
    const auto stage = asked.state == HaRequest::State::waiting ? "waiting"
                       : asked.state == HaRequest::State::begun ? "stopping"
                                                                : "handing_over";
    return NodeRequest{.task_id = asked.task_id,
                       .type = asked.failover ? "failover" : "switchover",
                       .stage = stage,
                       .candidate = asked.candidate,
                       .scheduled_at = asked.due,
                       .skip_validation = asked.forced};
}

/// Of the primary, why it does not serve; empty: it does.
std::string no_primary_because(const NodeFacts& facts, bool managed) {
    const auto& id = facts.node.primary_instance;
    const auto primary = std::find_if(facts.instances.begin(), facts.instances.end(),
                                      [&](const Instance& instance) { return instance.id == id; });
    if (primary == facts.instances.end()) return "it has no primary yet";
    if (auto down = down_because(facts, *primary); !down.empty()) return id + ": " + down;
    if (managed && facts.node.last && facts.holder.empty()) return id + " has given its lease back";
    return "";
}

void judge(const NodeFacts& facts, NodeView& view) {
    const bool managed = view.fixed_because.empty();
    const auto missing = no_primary_because(facts, managed);
    std::vector<std::string> all;
    if (!missing.empty()) all.push_back(missing);
    for (const auto& member : view.members) {
        if (member.is_primary) continue;
        auto reasons = member.reasons;
        if (!managed) {
            reasons.clear();
            const auto found = std::find_if(facts.instances.begin(), facts.instances.end(),
                                            [&](const Instance& one) { return one.id == member.instance_id; });
            if (auto down = down_because(facts, *found); !down.empty()) reasons.push_back(std::move(down));
        }
        if (!reasons.empty()) all.push_back(member.instance_id + ": " + joined(reasons, ", "));
    }
    if (const auto wanted = facts.node.policy.value_or(HaPolicy{}); managed && wanted.mode != HaPolicy::Mode::async) {
        const auto has = facts.node.sync ? facts.node.sync->set.members.size() : 0;
        if (has < static_cast<std::size_t>(wanted.sync_replicas))
            all.push_back(fmt::format("commits wait for {} replicas instead of {}", has, wanted.sync_replicas));
    }
    const auto& manual = facts.node.manual;
    if (manual)
        all.insert(all.begin(), fmt::format("no instance is promoted by itself: scripts look after the node since {} "
                                            "({}), until it is whole again",
                                            to_rfc3339(manual->since), manual->reason));
    view.error = joined(all, "; ");

    const auto& request = facts.node.request;
    const bool begun = request && (request->state != HaRequest::State::waiting || request->is_due(facts.now));
    if (begun)
        view.state = NodeState::switching;
    else if (managed && !facts.holder.empty() && facts.holder != facts.node.primary_instance)
        view.state = NodeState::promoting;
    else if (!missing.empty())
        view.state = managed && (view.winner.empty() || manual) && !facts.node.members.empty() ? NodeState::blocked
                                                                                               : NodeState::no_primary;
    else if (!all.empty())
        view.state = NodeState::degraded;
}

}  // namespace

NodeView view_of(const NodeFacts& facts) {
    NodeView view;
    view.database_id = facts.database.id;
    view.name = facts.name;
    view.primary_instance = facts.node.primary_instance;
    view.fixed_because = fixed_because(facts);
    if (facts.node.last) {
        view.term = facts.node.last_term;
        view.timeline = facts.node.last->timeline;
    }
    for (const auto& instance : facts.instances) {
        if (instance.node_name != facts.name) continue;
        view.members.push_back(member_of(facts, instance, view.fixed_because));
        if (view.members.back().is_primary) view.primary_host = instance.host_id;
    }
    std::sort(view.members.begin(), view.members.end(),
              [](const NodeMember& left, const NodeMember& right) { return left.instance_id < right.instance_id; });
    if (view.fixed_because.empty()) find_winner(facts, view);
    view.request = request_of(facts.node);
    if (facts.node.in_maintenance(facts.now)) view.maintenance_until = facts.node.maintenance_until;
    judge(facts, view);
    // As asked for, and no fault.
    for (auto& member : view.members)
        if (member.synchronous == false)
            member.reasons.emplace_back("no commit waits for it: it may lack some that were acknowledged");
    return view;
}

}  // namespace pgedge
