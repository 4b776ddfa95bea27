#include "cli/show_node.hpp"

#include <fmt/format.h>

#include "cli/terminal/table.hpp"
#include "common/base/size_text.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

void node_line(std::ostream& out, const Style& style, const char* name, const std::string& value) {
    if (!value.empty()) out << style.bold(padded(std::string(name) + ":", 10)) << value << '\n';
}

std::string number_text(const std::optional<std::int64_t>& number) { return number ? std::to_string(*number) : ""; }

std::string member_place(const NodeAnswer& node, const std::string& instance_id) {
    const auto* member = node.find(instance_id);
    return instance_id.empty() ? "" : clean(member ? instance_id + " on " + member->host_id : instance_id);
}

std::string term_of(const NodeAnswer& node) {
    if (!node.term) return "";
    return fmt::format("{}{}", *node.term, node.timeline ? fmt::format(", timeline {}", *node.timeline) : "");
}

std::string request_of(const NodeAnswer& node) {
    if (!node.request) return "";
    const auto& request = *node.request;
    return clean(fmt::format("{}{}{}{}, {} (task {})", request.type,
                             request.candidate.empty() ? "" : " to " + request.candidate,
                             request.scheduled_at.empty() ? "" : " at " + request.scheduled_at,
                             request.skip_validation ? " by force" : "", request.stage, request.task_id));
}

std::string behind_of(const NodeMemberAnswer& member) {
    const auto& bytes = member.lag_bytes ? member.lag_bytes : member.replay_lag_bytes;
    return bytes ? size_text(*bytes) : "";
}

}  // namespace

void show_nodes(std::ostream& out, const Style& style, const std::vector<NodeAnswer>& nodes) {
    Table table({"NODE", "STATE", "PRIMARY", "HOST", "TERM", "INSTANCES", "NEXT", "ERROR"});
    for (const auto& node : nodes)
        table.add({node.name, node.maintenance_until.empty() ? node.state : node.state + ", paused",
                   node.primary_instance, node.primary_host, number_text(node.term),
                   std::to_string(node.members.size()), node.winner, cut_to(clean(node.error), 60)});
    table.print(out, style);
}

void show_node(std::ostream& out, const Style& style, const NodeAnswer& node) {
    node_line(out, style, "Node", clean(node.name + " of " + node.database_id));
    node_line(out, style, "State", style.state(clean(node.state)));
    if (!node.maintenance_until.empty())
        node_line(out, style, "Paused", "until " + clean(node.maintenance_until) + ", no failover by itself");
    node_line(out, style, "Primary", member_place(node, node.primary_instance));
    node_line(out, style, "Term", term_of(node));
    node_line(out, style, "Next",
              node.fixed_because.empty() ? member_place(node, node.winner) : clean("none: " + node.fixed_because));
    if (node.loss_bytes_at_most)
        node_line(out, style, "Loss",
                  "at most " + size_text(*node.loss_bytes_at_most) + " by a failover; none by a switchover");
    node_line(out, style, "Request", request_of(node));
    if (node.members.empty()) return;
    out << '\n';
    Table table({"INSTANCE", "HOST", "ROLE", "STATE", "FOLLOWS", "POSITION", "BEHIND", "CAN TAKE OVER"});
    for (const auto& member : node.members) {
        const bool replica = member.role != "primary";
        table.add({member.instance_id, member.host_id, member.role, member.state,
                   !replica             ? ""
                   : member.synchronous ? "synchronously"
                   : member.streaming   ? "yes"
                                        : "no",
                   member.position, behind_of(member),
                   !replica               ? ""
                   : member.can_take_over ? "yes"
                                          : "no"});
    }
    table.print(out, style);
    for (const auto& member : node.members)
        if (node.fixed_because.empty() && !member.reasons.empty())
            out << '\n'
                << style.yellow(clean(member.instance_id) + " cannot take over: ")
                << clean(joined(member.reasons, "; ")) << '\n';
}

void show_node_history(std::ostream& out, const Style& style, const std::vector<NodeChangeAnswer>& changes) {
    Table table({"TERM", "TIMELINE", "SINCE", "PRIMARY", "BEFORE", "SWITCHED AT", "LOST AT MOST", "CAUSE"});
    for (const auto& change : changes)
        table.add({std::to_string(change.term), std::to_string(change.timeline), change.at, change.instance_id,
                   change.from_instance_id, change.switch_lsn, size_text(change.lost_bytes), change.cause});
    table.print(out, style);
}

}  // namespace pgedge
