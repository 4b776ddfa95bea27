#include <algorithm>

#include "agent/api/postgres_ha/changes.hpp"
#include "agent/api/postgres_ha/faults.hpp"

// What changes instances: POST and DELETE instance/…, POST node/….
namespace pgedge {
namespace {

constexpr const char* kStart = "postgres_ha_start";
constexpr const char* kStop = "postgres_ha_stop";
constexpr const char* kFailover = "postgres_ha_failover";
constexpr const char* kSwitchover = "postgres_ha_switchover";

bool is_up(const SeenInstance& each) { return each.facts && each.facts->running; }
bool is_up_as_primary(const SeenInstance& each) { return each.facts && each.facts->is_primary(); }

Failure not_the_last_primary(const PgNodeChange& change) {
    std::string right = "no instance of this node";
    for (const auto& each : change.seen())
        if (change.is_last_primary(each)) right = each.instance.host_id;
    return pg_failure(PgFault::unsafe_restart, "only the last primary may start as one, which is " + right +
                                                   ": start that, or promote a standby by instance/failover/promote");
}

HttpResponse start_current(const PgCall& call) {
    PgNodeChange change(call);
    const auto& own = change.own();
    if (is_up(own)) return change.run(kStart);
    if (own.facts && !own.facts->standby_signal) {
        if (change.primary())
            throw pg_failure(PgFault::counterpart_started,
                             "it would start as a primary beside another one; start it by instance/slave");
        if (!change.is_last_primary(own)) throw not_the_last_primary(change);
    }
    change.start(own);
    return change.run(kStart);
}

HttpResponse start_master(const PgCall& call) {
    PgNodeChange change(call);
    const auto& own = change.own();
    if (is_up_as_primary(own)) return change.run(kStart);
    if (is_up(own)) throw pg_failure(PgFault::already_started, "This node is already started");
    if (std::any_of(change.seen().begin(), change.seen().end(), is_up))
        throw pg_failure(PgFault::counterpart_started, "This counter part node has been started");
    change.check_all_known(change.is_last_primary(own) ? &own : nullptr);
    if (!change.is_last_primary(own)) throw not_the_last_primary(change);
    change.start(own);
    return change.run(kStart);
}

HttpResponse start_slave(const PgCall& call) {
    PgNodeChange change(call);
    const auto& own = change.own();
    if (is_up_as_primary(own)) throw pg_failure(PgFault::runs_as_master, "This node is already started as master");
    if (own.facts && own.facts->receiver == "streaming") return change.run(kStart);
    if (!change.primary()) throw pg_failure(PgFault::master_not_started, "The master has not been started");
    if (!call.request.parameter("rejoin")) change.check_can_follow(own);
    change.start(own);
    return change.run(kStart);
}

HttpResponse start_all(const PgCall& call) {
    PgNodeChange change(call);
    change.check_all_known();
    if (std::any_of(change.seen().begin(), change.seen().end(), is_up))
        throw pg_failure(PgFault::not_all_inactive, "Not all the nodes are inactive");
    const auto& first = change.seen().front();
    const bool is_member = first.instance.host_id == call.ha.host_id;
    if (is_member && !change.is_last_primary(first)) throw not_the_last_primary(change);
    for (const bool primary : {true, false})
        for (const auto& each : change.seen())
            if (change.is_last_primary(each) == primary) change.start(each);
    return change.run(kStart);
}

/// Whom to promote: nobody runs as a primary, a standby runs, and the others are down or cannot be seen.
void check_failover(const PgNodeChange& change) {
    const bool other_standby_only = std::all_of(change.seen().begin(), change.seen().end(), [](const auto& each) {
        return !is_up(each) || (each.facts->answers && each.facts->recovery);
    });
    if (change.primary() || change.standbys().empty() || !other_standby_only)
        throw pg_failure(PgFault::not_failover_state, "Not meet the one node active and one node inactive");
    change.check_roles_can_change();
}

HttpResponse promote_best(const PgCall& call) {
    PgNodeChange change(call);
    check_failover(change);
    const auto* best = change.best_standby();
    change.check_lag(*best);
    change.promote(*best);
    return change.run(kFailover);
}

/// A standby that goes on in the timeline of the last primary needs a proof that it has all of that one's log, which
/// this version does not make.
HttpResponse restart_as_master(const PgCall& call) {
    PgNodeChange change(call);
    check_failover(change);
    throw pg_failure(PgFault::unsafe_restart,
                     "a standby is not started as the primary of its old timeline; promote it: "
                     "instance/failover/promote");
}

HttpResponse fail_over_to(const PgCall& call) {
    const auto& how = call.path.at("sequence");
    if (how == "promote") return promote_best(call);
    if (how == "restart") return restart_as_master(call);
    throw pg_failure(PgFault::invalid_option, "invalid option, {restart/promote}");
}

HttpResponse switch_over_to(const PgCall& call) {
    const auto& how = call.path.at("sequence");
    if (how != "masterSlave" && how != "slaveMaster")
        throw pg_failure(PgFault::invalid_scope, "invalid sequence, {masterSlave/slaveMaster}");
    PgNodeChange change(call);
    const auto standbys = change.standbys();
    const SeenInstance* candidate = nullptr;
    for (const auto* each : standbys)
        if (each->facts->receiver == "streaming" && (!candidate || each->instance.host_id == call.ha.host_id ||
                                                     candidate->facts->position < each->facts->position))
            candidate = each;
    if (!change.primary() || !candidate)
        throw pg_failure(PgFault::single_node, "Single node, failed to switch over", {{"type", "single"}});
    change.check_roles_can_change();
    change.switch_to(*candidate);
    return change.run(kSwitchover);
}

HttpResponse post_instance(const PgCall& call) {
    const auto& scope = call.path.at("scope");
    if (scope == "current") return start_current(call);
    if (scope == "master") return start_master(call);
    if (scope == "slave") return start_slave(call);
    if (scope == "all") return start_all(call);
    if (scope == "failover") throw pg_failure(PgFault::invalid_option, "invalid option, {restart/promote}");
    if (scope == "switchover") throw pg_failure(PgFault::invalid_scope, "invalid sequence, {masterSlave/slaveMaster}");
    throw pg_failure(PgFault::invalid_scope, "invalid scope, {current/master/slave/all/failover/switchover}");
}

HttpResponse post_instance_in_sequence(const PgCall& call) {
    const auto& scope = call.path.at("scope");
    const auto& sequence = call.path.at("sequence");
    if (scope == "failover") return fail_over_to(call);
    if (scope == "switchover") return switch_over_to(call);
    if (scope == "all" && (sequence == "masterSlave" || sequence == "slaveMaster")) return start_all(call);
    throw pg_failure(PgFault::invalid_scope, "invalid scope, {current/master/slave/all/failover/switchover}");
}

HttpResponse delete_instance(const PgCall& call) {
    const auto& scope = call.path.at("scope");
    const bool known = scope == "current" || scope == "master" || scope == "slave" || scope == "all" ||
                       scope == "slaveMaster" || scope == "masterSlave";
    if (!known)
        throw pg_failure(PgFault::invalid_scope, "invalid scope, {current/master/slave/all/slaveMaster/masterSlave}");
    PgNodeChange change(call);
    if (scope == "current") {
        if (is_up(change.own())) change.stop(change.own());
        return change.run(kStop);
    }
    change.check_all_known();
    const auto stop_those = [&](bool primaries) {
        for (const auto& each : change.seen())
            if (is_up(each) && is_up_as_primary(each) == primaries) change.stop(each);
    };
    if (scope == "masterSlave" || scope == "master") stop_those(true);
    if (scope != "master") stop_those(false);
    if (scope == "all" || scope == "slaveMaster") stop_those(true);
    return change.run(kStop);
}

HttpResponse post_node(const PgCall& call) {
    if (call.path.at("scope") != "promote") throw pg_failure(PgFault::invalid_scope, "invalid scope, {promote}");
    PgNodeChange change(call);
    const auto& own = change.own();
    if (!own.facts || !own.facts->running || !own.facts->answers || !own.facts->recovery)
        throw pg_failure(PgFault::not_in_recovery, "Not in the recovery mode");
    if (change.primary())
        throw pg_failure(PgFault::counterpart_started,
                         "a primary runs on " + change.primary()->instance.host_id + "; use switchover");
    change.check_roles_can_change();
    change.check_lag(own);
    change.promote(own);
    return change.run(kFailover);
}

}  // namespace

std::vector<PgRoute> pg_change_routes() {
    return {{Role::operate, "POST", "/instance/{scope}", post_instance, {"rejoin", "force"}},
            {Role::operate, "POST", "/instance/{scope}/{sequence}", post_instance_in_sequence, {"force"}},
            {Role::operate, "DELETE", "/instance/{scope}", delete_instance},
            {Role::operate, "POST", "/node/{scope}", post_node, {"force"}}};
}

}  // namespace pgedge
