#include "agent/api/postgres_ha/changes.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/api/instance_work.hpp"
#include "agent/api/postgres_ha/faults.hpp"
#include "agent/ha/manual_mode.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kTaskLimit = 300s;
constexpr auto kSettleLimit = 30s;
constexpr auto kPoll = 20ms;
constexpr std::uint64_t kMostBehind = 1 << 20;

bool is_unknown(const SeenInstance& each) { return !each.facts; }
bool runs(const SeenInstance& each) { return each.facts && each.facts->running; }
bool runs_as_standby(const SeenInstance& each) { return runs(each) && each.facts->answers && each.facts->recovery; }
bool runs_as_primary(const SeenInstance& each) { return each.facts && each.facts->is_primary(); }

}  // namespace

PgNodeChange::PgNodeChange(const PgCall& call)
    : call_(call),
      services_(call.services()),
      node_(call.node()),
      seen_(seen_instances(call, node_)),
      known_(HaTable(services_->store).node(node_.database_id, node_.name, call.limit)) {}

const SeenInstance& PgNodeChange::own() const {
    const auto& own = call_.own(node_);
    return *std::find_if(seen_.begin(), seen_.end(), [&](const auto& each) { return each.instance.id == own.id; });
}

const SeenInstance* PgNodeChange::primary() const {
    const auto found = std::find_if(seen_.begin(), seen_.end(), runs_as_primary);
    return found == seen_.end() ? nullptr : &*found;
}

std::vector<const SeenInstance*> PgNodeChange::standbys() const {
    std::vector<const SeenInstance*> all;
    for (const auto& each : seen_)
        if (runs_as_standby(each)) all.push_back(&each);
    return all;
}

bool PgNodeChange::is_last_primary(const SeenInstance& instance) const {
    if (known_.last) return known_.last->instance_id == instance.instance.id;
    return known_.primary_instance == instance.instance.id;
}

const SeenInstance* PgNodeChange::best_standby() const {
    const SeenInstance* best = nullptr;
    for (const auto* each : standbys()) {
        const auto rank = [](const SeenInstance& of) { return std::pair(of.facts->timeline, of.facts->position); };
        if (!best || rank(*best) < rank(*each)) best = each;  // the called host comes first
    }
    return best;
}

void PgNodeChange::check_all_known(const SeenInstance* that_one) const {
    if (that_one) return;
    for (const auto& each : seen_)
        if (is_unknown(each))
            throw pg_failure(PgFault::peer_unreachable,
                             "the agent of " + each.instance.host_id + " does not answer; nothing was done");
}

void PgNodeChange::check_can_follow(const SeenInstance& instance) const {
    if (!known_.last || runs(instance)) return;
    const auto lsn =
        answer_question(call_.ha.runtime, call_.ha.user, instance.instance.id, InstanceQuestion::lsn, {}, call_.limit);
    const auto timeline = std::stoi(lsn.at("lastTimeLineID").get<std::string>());
    const auto last = parse_lsn(lsn.at("lastLsn").get<std::string>());
    std::optional<Lsn> fork;
    for (const auto& change :
         HaTable(services_->store).history(node_.database_id, node_.name, call_.limit))  // newest first
        if (change.timeline > timeline && change.switch_lsn) fork = change.switch_lsn;
    const bool newer = timeline > known_.last->timeline;
    if (!newer && (!fork || last < *fork)) return;
    throw pg_failure(
        PgFault::invalid_lsn, "Invalid lsn in the remote server",
        {{"err", fmt::format("its log goes on to {} in timeline {}, where that of the primary {}; rejoin=rewind lets "
                             "it lose what it has alone",
                             to_string(last), timeline,
                             fork ? "has left that timeline at " + to_string(*fork) : "has never been")},
         {"bytes", fork ? bytes_between(*fork, last) : 0}});
}

void PgNodeChange::check_lag(const SeenInstance& candidate) const {
    if (!known_.last || !known_.last->position || call_.request.parameter("force") == "true") return;
    const auto now = HaTable(services_->store).node(node_.database_id, node_.name, call_.limit, Freshness::leader);
    const auto* member = now.find(candidate.instance.id);
    if (!member || !member->told || !member->told->slots_ready ||
        (now.sync && !now.sync->set.members.contains(candidate.instance.id)))
        throw pg_failure(PgFault::behind, candidate.instance.host_id +
                                              " may lack what was acknowledged, or what other nodes still wait "
                                              "for; force=true promotes it all the same");
    const auto behind = candidate.facts->position < *known_.last->position
                            ? bytes_between(candidate.facts->position, *known_.last->position)
                            : 0;
    if (behind > kMostBehind)
        throw pg_failure(PgFault::behind,
                         fmt::format("{} is {} bytes behind the last known position of the last primary; force=true "
                                     "promotes it all the same",
                                     candidate.instance.host_id, behind));
}

void PgNodeChange::check_roles_can_change() const {
    if (node_.instances.size() < 2)
        throw pg_failure(PgFault::single_node, "Single node, failed to switch over", {{"type", "single"}});
    if (!known_.last)
        throw pg_failure(PgFault::operation_not_supported,
                         "the instances of node " + node_.text() +
                             " keep their roles: its database has several nodes, or it has had no primary with "
                             "replicas yet");
}

void PgNodeChange::add(std::string_view kind, const SeenInstance& instance) {
    steps_.push_back({.kind = std::string(kind),
                      .host_id = instance.instance.host_id,
                      .arguments = {{"instance_id", instance.instance.id}}});
    touched_.insert(instance.instance.id);
}
void PgNodeChange::stop(const SeenInstance& instance) { add(kStopInstance, instance); }
void PgNodeChange::start(const SeenInstance& instance) { add(kStartInstance, instance); }
void PgNodeChange::promote(const SeenInstance& instance) { add(kPromoteInstance, instance); }
void PgNodeChange::switch_to(const SeenInstance& instance) {
    add(kSwitchToInstance, instance);
    if (const auto* before = primary()) touched_.insert(before->instance.id);
}

HttpResponse PgNodeChange::run(const std::string& type) {
    if (steps_.empty()) return answer(seen_);
    const auto about = call_.request.method + " " + call_.request.path.substr(call_.request.path.rfind("/v1/") + 4);
    Task task;
    try {
        task = services_->operations.begin(
            node_.database_id,
            {.type = type,
             .kind = steps_.front().kind,
             .host_id = steps_.front().host_id,
             .node_name = node_.name,
             .arguments = steps_.front().arguments,
             .about = about,
             .then = {steps_.begin() + 1, steps_.end()},
             .with = {ManualModes::begin(node_.database_id, node_.name, about, services_->clock.wall())}},
            call_.limit);
    } catch (const Error& error) {
        if (error.transient()) throw pg_failure(PgFault::no_quorum, error.text());
        if (error.kind() != ErrorKind::conflict) throw;
        throw pg_failure(PgFault::operation_already_in_progress, error.text_and_hint());
    }
    wait_for(task.id, Limit(kTaskLimit, call_.request.stop));
    const Limit settle(kSettleLimit, call_.request.stop);
    // What is to run stands in the store, and has changed.
    auto now = seen_instances(call_, call_.node());
    while (!settled(now) && settle.pause(kPoll)) now = seen_instances(call_, call_.node());
    if (!settled(now))
        throw pg_failure(PgFault::not_attached, "not every instance that runs follows the primary",
                         {{"state", state_map(now, false)}});
    Transaction done;
    done.add(ManualModes::end(node_.database_id, node_.name));
    services_->store.commit(done, call_.limit);
    auto response = answer(now);
    response.headers["X-Task-Id"] = task.id;
    return response;
}

void PgNodeChange::wait_for(const std::string& task_id, const Limit& limit) const {
    for (;;) {
        const auto task = Tasks(services_->store).find(task_id, limit);
        if (task && task->status == TaskStatus::completed) return;
        if (!task || is_final(task->status))
            throw pg_failure(PgFault::undone, task ? task->error : "its task is no more",
                             {{"state", state_map(seen_instances(call_, node_), false)}});
        if (!limit.pause(kPoll))
            throw pg_failure(PgFault::timeout, "it takes longer; task " + task_id + " goes on",
                             {{"state", state_map(seen_instances(call_, node_), false)}});
    }
}

/// Both sides see it: what was touched runs or not, as it is to; what runs beside a primary streams from it, and the
/// primary counts it.
bool PgNodeChange::settled(const std::vector<SeenInstance>& now) const {
    const auto primary = std::find_if(now.begin(), now.end(), runs_as_primary);
    const bool alone = primary == now.end();
    int followers = 0;
    for (const auto& each : now) {
        if (is_unknown(each)) continue;
        if (touched_.contains(each.instance.id) && runs(each) == each.instance.stopped) return false;
        if (!runs(each)) continue;
        if (!each.facts->answers) return false;
        if (!each.facts->recovery) continue;
        const bool at_rest = each.facts->receiver.empty() && each.facts->drained;
        if (alone ? !at_rest : each.facts->receiver != "streaming") return false;
        ++followers;
    }
    return alone || primary->facts->standbys == followers;
}

HttpResponse PgNodeChange::answer(const std::vector<SeenInstance>& now) const { return pg_json(state_map(now, false)); }

}  // namespace pgedge
