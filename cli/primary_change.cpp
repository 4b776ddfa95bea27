#include "cli/primary_change.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/names.hpp"
#include "cli/tasks.hpp"
#include "common/base/size_text.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// The instance that --to means; nullptr: none was named.
const NodeMemberAnswer* candidate_of(const NodeAnswer& node, const std::string& to) {
    if (to.empty()) return nullptr;
    if (const auto* member = node.find(to)) return member;
    const auto on_host = std::find_if(node.members.begin(), node.members.end(),
                                      [&](const auto& member) { return member.host_id == to; });
    if (on_host != node.members.end()) return &*on_host;
    std::vector<std::string> others;
    for (const auto& member : node.members)
        if (member.instance_id != node.primary_instance) others.push_back(member.instance_id);
    throw Error(ErrorKind::not_found, fmt::format("node {} has no instance '{}'", node.name, to),
                hint_of_names(to, others));
}

/// What the agent would refuse is refused before anybody is asked.
void check_wish(const PrimaryChange& wanted, const NodeAnswer& node, const NodeMemberAnswer* candidate) {
    if (!node.fixed_because.empty())
        throw Error(ErrorKind::invalid_input,
                    fmt::format("node {} cannot get another primary: {}", node.name, node.fixed_because))
            .named("operation_not_supported");
    if (node.request)
        throw Error(
            ErrorKind::conflict,
            fmt::format("a {} of node {} is in progress already: task {}", node.request->type, node.name,
                        node.request->task_id),
            fmt::format("follow it: pgedgectl task watch {0}, or cancel it while it waits: pgedgectl task cancel {0}",
                        node.request->task_id))
            .named("operation_already_in_progress");
    if (candidate && candidate->instance_id == node.primary_instance)
        throw Error(ErrorKind::invalid_input,
                    fmt::format("{} is the primary of node {} already", wanted.to, node.name));
}

std::string shown_member(const NodeMemberAnswer& member) { return member.instance_id + " on " + member.host_id; }

std::string loss_of(const PrimaryChange& wanted, const NodeAnswer& node, const NodeMemberAnswer* next) {
    if (!wanted.failover) return "nothing is lost: the primary ends first, and gives all that it has written";
    if (next && next->lag_bytes) return fmt::format("at most {} of the log are lost", size_text(*next->lag_bytes));
    if (!next && !wanted.force) return "not known while nobody can take over";
    if (wanted.force)
        return "what the primary has written and the next one has not received is lost, however much that is";
    return fmt::format("at most {} of the log are lost", size_text(node.loss_bytes_at_most.value_or(0)));
}

void show_preview(Session& session, const PrimaryChange& wanted, const NodeAnswer& node,
                  const NodeMemberAnswer* candidate, const std::string& at) {
    std::ostream& out = session.world().err();
    const Style& style = session.message_style();
    const auto say = [&](const std::string& text) { out << "  " << clean(text) << '\n'; };
    const auto* primary = node.find(node.primary_instance);
    const auto* next = candidate ? candidate : node.find(node.winner);
    out << style.bold(clean(fmt::format("{} of node {} of {}{}", wanted.failover ? "failover" : "switchover", node.name,
                                        wanted.database, at.empty() ? "" : " at " + at)))
        << '\n';
    say("state:     " + node.state + (node.error.empty() ? "" : ": " + node.error));
    say("primary:   " + (primary ? shown_member(*primary) : "none"));
    say("next:      " + (next ? shown_member(*next) : "nobody, as things are now"));
    say("loss:      " + loss_of(wanted, node, next));
    for (const auto& member : node.members)
        if (!member.reasons.empty() && (!next || candidate == &member))
            out << style.yellow("warning:") << ' '
                << clean(fmt::format("{} cannot take over now: {}", member.instance_id, joined(member.reasons, "; ")))
                << '\n';
    if (wanted.failover && !wanted.force && node.state == "healthy")
        out << style.yellow("warning:")
            << " nothing is wrong with the node, so the failover will be refused; a switchover loses nothing, and "
               "--force insists\n";
}

/// Of a node whose primary has changed; the change stands whether it can be shown or not.
std::optional<NodeAnswer> node_now(Session& session, const PrimaryChange& wanted) {
    try {
        return session.api().node(wanted.database, wanted.node);
    } catch (const Error&) {
        return std::nullopt;
    }
}

int show_outcome(Session& session, const PrimaryChange& wanted, const TaskAnswer& task, const std::string& at) {
    Json result{{"task", task.json}};
    const auto node = task.is_final() ? node_now(session, wanted) : std::nullopt;
    if (node) result["node"] = node->json;
    session.show(result, {task.id}, [&](std::ostream& out) {
        const auto id = clean(task.id);
        if (const auto* primary = node ? node->find(node->primary_instance) : nullptr)
            out << clean(shown_member(*primary)) << " is the primary of node " << clean(node->name) << '\n';
        else if (task.is_final())
            out << "task " << id << " is completed\n";
        else if (at.empty())
            out << "task " << id << " has begun; follow it: pgedgectl task watch " << id << '\n';
        else
            out << "task " << id << " begins at " << clean(at) << "; until then: pgedgectl task cancel " << id << '\n';
    });
    return kDone;
}

}  // namespace

int change_primary(Session& session, const PrimaryChange& wanted) {
    const auto at = begin_time(session, wanted.at);
    const auto node = named_node(session, wanted.database, wanted.node);
    const auto* candidate = candidate_of(node, wanted.to);
    check_wish(wanted, node, candidate);
    if (session.talks()) show_preview(session, wanted, node, candidate, at);
    if (!session.confirmed(wanted.failover ? "Fail over?" : "Switch over?")) {
        session.note("nothing was done");
        return kUsage;
    }
    const std::string to = candidate ? candidate->instance_id : "";
    auto task = wanted.failover ? session.api().failover(wanted.database, wanted.node, to, wanted.force)
                                : session.api().switchover(wanted.database, wanted.node, to, at);
    // One that has failed at once has an error to be told.
    if (task.is_final() || (at.empty() && !session.options().no_wait)) task = follow_task(session, task);
    return show_outcome(session, wanted, task, at);
}

}  // namespace pgedge
