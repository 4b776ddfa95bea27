#include "common/api/shapes.hpp"

namespace pgedge {
namespace {

using namespace schema;

const Shape<NodeMember, NodeMemberAnswer>& node_member_shape() {
    using From = NodeMember;
    using Into = NodeMemberAnswer;
    static const auto shape =
        Shape<From, Into>("NodeMember", "instance of a node")
            .must("instance_id", text(), &From::instance_id, needed(&Into::instance_id))
            .must("host_id", text(), &From::host_id, &Into::host_id)
            .must(
                "role", one_of({"primary", "replica"}),
                [](const From& member) { return std::string(member.is_primary ? "primary" : "replica"); }, &Into::role)
            .must("state", text("As instances are shown"), &From::state, &Into::state)
            .may("running", boolean("As a standby that accepts connections"), &From::running)
            .may("streaming", boolean("It has streamed from the primary, so that it follows"), &From::streaming,
                 &Into::streaming)
            .may("timeline", integer(), &From::timeline)
            .may("position", text("How far its log goes; told while there is no primary, and by the primary itself"),
                 &From::position, &Into::position)
            .may("lag_bytes", integer("Of the last primary's log, not received; told while there is no primary"),
                 &From::lag_bytes, &Into::lag_bytes)
            .may("replay_lag_bytes", integer("Received and not replayed yet"), &From::replay_lag_bytes,
                 &Into::replay_lag_bytes)
            .may("synchronous",
                 boolean("Of nodes whose commits wait for replicas: for this one, or for enough like it"),
                 &From::synchronous, &Into::synchronous)
            .must(
                "can_take_over", boolean("It may be promoted as things are now"),
                [](const From& member) { return member.can_take_over(); }, &Into::can_take_over)
            .must("reasons", list_of(text("Why it must not be promoted now")), &From::reasons, &Into::reasons);
    return shape;
}

const Shape<NodeRequest, NodeRequestAnswer>& node_request_shape() {
    using From = NodeRequest;
    using Into = NodeRequestAnswer;
    static const auto shape =
        Shape<From, Into>("NodeRequest", "request of a node")
            .must("task_id", uuid_text(), &From::task_id, &Into::task_id)
            .must("type", one_of({"switchover", "failover"}), &From::type, &Into::type)
            .must("stage", one_of({"waiting", "stopping", "handing_over"}, "It can be canceled while it waits"),
                  &From::stage, &Into::stage)
            .may("candidate_instance_id", text("Left out until one is chosen"), &From::candidate, &Into::candidate)
            .may("scheduled_at", time_text(), &From::scheduled_at, &Into::scheduled_at)
            .must("skip_validation", boolean(), &From::skip_validation, &Into::skip_validation);
    return shape;
}

void read_request(const AnswerFields& fields, NodeAnswer& answer) {
    if (const Json& request = fields.object("request"); !request.empty())
        answer.request = node_request_shape().read(request);
}

std::optional<OrderedJson> shown_request(const NodeView& node) {
    return node.request ? std::optional(node_request_shape().write(*node.request)) : std::nullopt;
}

Shape<NodeView, NodeAnswer> make_node_shape() {
    using From = NodeView;
    using Into = NodeAnswer;
    Shape<From, Into> shape("Node", "node");
    shape.must("name", text_like("^n[0-9]+$"), &From::name, needed(&Into::name))
        .must("database_id", identifier_text(), &From::database_id, &Into::database_id)
        .must("state", one_of({"healthy", "degraded", "no_primary", "blocked", "promoting", "switching"}), &From::state,
              needed(&Into::state))
        .may("error", text("Why it is not healthy"), &From::error, &Into::error)
        .may("primary_instance_id", text(), &From::primary_instance, &Into::primary_instance)
        .may("primary_host_id", text(), &From::primary_host, &Into::primary_host)
        .may("term", integer("Of the lease under which the last primary serves"), &From::term, &Into::term)
        .may("timeline", integer("Of the last primary"), &From::timeline, &Into::timeline)
        .may("fixed_because", text("Why no other instance can become the primary, however they are"),
             &From::fixed_because, &Into::fixed_because)
        .may("winner_instance_id", text("Who would become the primary, by what is known now"), &From::winner,
             &Into::winner)
        .may("loss_bytes_at_most",
             integer("What a failover to the winner would lose of what was written up to the primary's last renewal"),
             &From::loss_bytes_at_most, &Into::loss_bytes_at_most)
        .may("maintenance_until", time_text("Before that nothing is started, stopped or promoted by itself"),
             &From::maintenance_until, &Into::maintenance_until)
        .part(node_request_shape())
        .may("request", ref(node_request_shape().name()), shown_request, read_request)
        .list(true, "members", node_member_shape(), &From::members, &Into::members);
    return shape;
}

}  // namespace

const Shape<NodeView, NodeAnswer>& node_shape() {
    static const auto shape = make_node_shape();
    return shape;
}

const Shape<NodeChange, NodeChangeAnswer>& node_change_shape() {
    using From = NodeChange;
    using Into = NodeChangeAnswer;
    static const auto shape =
        Shape<From, Into>("NodeChange", "change of a primary")
            .must("term", integer("Of the lease under which it serves"), &From::term, &Into::term)
            .must("timeline", integer(), &From::timeline, &Into::timeline)
            .must("at", time_text(), &From::at, &Into::at)
            .must("instance_id", text("The new primary"), &From::instance_id, needed(&Into::instance_id))
            .may("from_instance_id", text("The primary before, when that was another one"), &From::from_instance_id,
                 &Into::from_instance_id)
            .must("cause", text("The rule that decided, in words"), &From::cause, &Into::cause)
            .may("switch_lsn", text("Where its timeline left the one before"), &From::switch_lsn, &Into::switch_lsn)
            .must("lost_bytes", integer("Of the log of the primary before, at most"), &From::lost_bytes,
                  &Into::lost_bytes);
    return shape;
}

}  // namespace pgedge
