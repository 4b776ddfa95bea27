#include <algorithm>

#include "agent/api/postgres_ha/call.hpp"
#include "agent/api/postgres_ha/faults.hpp"
#include "common/base/error.hpp"

// What instances are: GET instance/…, lsn/… and in_recovery.
namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kFactsLimit = 2s;  // of each instance
constexpr auto kLsnLimit = 15s;   // a segment full of records takes pg_waldump a while on a busy machine
constexpr auto kRecoveryLimit = 10s;

OrderedJson told(const SeenInstance& seen, bool primary_seen, bool detail) {
    const auto word = seen.facts ? word_of(*seen.facts, primary_seen) : InstanceWord::unknown;
    if (!detail) return to_string(word);
    OrderedJson all{{"state", to_string(word)}, {"role", nullptr}, {"timeline", nullptr}, {"lsn", nullptr}};
    if (seen.facts) {
        all["role"] = seen.facts->is_replica() ? "replica" : "primary";
        if (seen.facts->timeline != 0) all["timeline"] = seen.facts->timeline;
        if (seen.facts->position != Lsn{}) all["lsn"] = to_string(seen.facts->position);
    }
    all["wanted"] = seen.instance.stopped ? "stopped" : "running";
    return all;
}

HttpResponse get_instance(const PgCall& call) {
    const bool all = call.scope_is_all();
    const auto node = call.node();
    if (!all) {
        const auto& own = call.own(node);
        const auto facts = instance_facts_from_json(answer_question(
            call.ha.runtime, call.ha.user, own.id, InstanceQuestion::facts, standby_names(node), call.limit));
        // The others are asked only when its word depends on them.
        if (!needs_others(facts)) return pg_json({{own.host_id, told({own, facts}, false, call.detail())}});
    }
    const auto map = state_map(seen_instances(call, node), call.detail());
    return pg_json(all ? map : OrderedJson{{call.ha.host_id, map.at(call.ha.host_id)}});
}

/// The scripts that the API was made for print the keys in this order.
OrderedJson in_order(const Json& lsn) {
    OrderedJson ordered = OrderedJson::object();
    for (const char* key : {"chkPoint", "chkRedoPoint", "walFile", "timeLineID", "lastLsn", "lastTimeLineID"})
        ordered[key] = lsn.at(key);
    return ordered;
}

HttpResponse get_lsn(const PgCall& call) {
    const bool all = call.scope_is_all();
    const auto node = call.node();
    if (!all) {
        const auto own = call.own(node);
        const auto answer =
            answer_question(call.ha.runtime, call.ha.user, own.id, InstanceQuestion::lsn, {}, call.limit);
        return pg_json({{own.host_id, in_order(answer)}});
    }
    OrderedJson answer = OrderedJson::object();
    for (const auto& each : ask_all(call, node, InstanceQuestion::lsn, kLsnLimit))
        answer[each.instance.host_id] =
            each.answer ? in_order(*each.answer)
                        : OrderedJson{{"code", code_of(PgFault::peer_unreachable)}, {"msg", each.problem}};
    return pg_json(answer);
}

HttpResponse get_in_recovery(const PgCall& call) {
    const Limit limit = call.limit.no_longer_than(kRecoveryLimit);
    auto session = call.local().session(limit);
    return pg_json({{"in_recovery", session.run("SELECT pg_is_in_recovery()", limit).value().value_or("")}});
}

}  // namespace

std::vector<SeenInstance> seen_instances(const PgCall& call, const DatabaseNode& node) {
    std::vector<SeenInstance> seen;
    for (const auto& each : ask_all(call, node, InstanceQuestion::facts, kFactsLimit))
        seen.push_back(
            {each.instance, each.answer ? std::optional(instance_facts_from_json(*each.answer)) : std::nullopt});
    return seen;
}

OrderedJson state_map(const std::vector<SeenInstance>& seen, bool detail) {
    const bool primary_seen = std::any_of(
        seen.begin(), seen.end(), [](const SeenInstance& each) { return each.facts && each.facts->is_primary(); });
    OrderedJson map = OrderedJson::object();
    for (const auto& each : seen) map[each.instance.host_id] = told(each, primary_seen, detail);
    return map;
}

std::vector<PgRoute> pg_instance_routes() {
    return {{Role::read, "GET", "/instance/{scope}", get_instance, {"detail"}},
            {Role::read, "GET", "/lsn/{scope}", get_lsn},
            {Role::read, "GET", "/in_recovery", get_in_recovery}};
}

}  // namespace pgedge
