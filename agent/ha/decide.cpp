#include "agent/ha/decide.hpp"

#include <array>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

using Seen = Observation;

bool ok(const Seen& seen) { return seen.store == StoreSight::ok; }
bool silent(const Seen& seen) { return seen.store == StoreSight::silent; }

bool mine(const Seen& seen) { return seen.lease == LeaseSight::mine; }
bool earlier(const Seen& seen) { return seen.lease == LeaseSight::mine_of_earlier_start; }
bool held(const Seen& seen) { return mine(seen) || earlier(seen); }
/// Of nobody, or of one whose hold is over.
bool open(const Seen& seen) { return seen.lease == LeaseSight::free || seen.lease == LeaseSight::overdue; }
bool reserved(const Seen& seen) {
    return seen.lease == LeaseSight::reserved_for_me || seen.lease == LeaseSight::reserved_for_other;
}
bool another_holds(const Seen& seen) { return seen.lease == LeaseSight::live; }

bool primary(const Seen& seen) { return seen.phase == ServerPhase::primary; }
bool standby(const Seen& seen) { return seen.phase == ServerPhase::standby; }
bool promoting(const Seen& seen) { return seen.phase == ServerPhase::promoting; }
/// Takes writes, or may at any moment.
bool writable(const Seen& seen) {
    return primary(seen) || promoting(seen) || seen.phase == ServerPhase::starting_primary;
}
bool down(const Seen& seen) { return seen.phase == ServerPhase::stopped || seen.phase == ServerPhase::crashed; }
bool gone(const Seen& seen) { return seen.phase == ServerPhase::absent; }

bool past_soft(const Seen& seen) { return seen.since_renewal >= seen.times.soft; }
bool past_hard(const Seen& seen) { return seen.since_renewal >= seen.times.hard; }
bool promised(const Seen& seen) { return seen.failsafe == Failsafe::promised; }
bool forced(const Seen& seen) { return seen.task == HaTask::forced_failover; }
bool eligible(const Seen& seen) { return seen.standing != Standing::ineligible; }
/// Nobody gives the primary's place to another one by himself.
bool by_hand(const Seen& seen) { return seen.maintenance || seen.manual; }
/// A lease that is open to all, by its own decision or because a user says so.
bool may_take(const Seen& seen) {
    if (forced(seen)) return eligible(seen);
    return seen.standing == Standing::best && !by_hand(seen) && !seen.too_soon;
}

/// Holds the lease, and what has to end before it serves does not end.
bool too_slow(const Seen& seen) {
    switch (seen.phase) {
        case ServerPhase::standby:
        case ServerPhase::promoting: return seen.in_phase > seen.promote_limit;
        case ServerPhase::starting_primary:
        case ServerPhase::starting_standby:
        case ServerPhase::stopping: return seen.in_phase > seen.start_limit;
        default: return false;
    }
}

/// Restarting it in place did not help.
bool hopeless(const Seen& seen) { return seen.phase == ServerPhase::crashed && seen.crashes >= 2; }

struct Rule {
    std::string_view why;
    HaAction action;
    bool (*fits)(const Seen&);
};

constexpr std::array kRules{
    // Without a lease that is sure, nothing writes.
    Rule{"the lease is another's now", HaAction::kill,
         [](const Seen& s) { return s.store == StoreSight::refused && writable(s); }},
    Rule{"the lease was not renewed until its hard deadline", HaAction::kill,
         [](const Seen& s) { return held(s) && writable(s) && past_hard(s) && !promised(s); }},
    Rule{"the lease was not renewed until its soft deadline", HaAction::stop_fast,
         [](const Seen& s) { return silent(s) && held(s) && primary(s) && past_soft(s) && !promised(s); }},
    Rule{"the store does not answer, and all peers promised to wait", HaAction::continue_failsafe,
         [](const Seen& s) { return silent(s) && held(s) && primary(s) && promised(s); }},
    Rule{"the store does not answer", HaAction::renew,
         [](const Seen& s) { return silent(s) && held(s) && writable(s); }},
    Rule{"writable without a lease", HaAction::kill, [](const Seen& s) { return silent(s) && writable(s); }},
    Rule{"the store does not answer", HaAction::wait, [](const Seen& s) { return !ok(s); }},

    // Maintenance: agents start, stop and promote nothing by themselves.
    Rule{"maintenance: the last primary runs and the lease is free", HaAction::take,
         [](const Seen& s) { return s.maintenance && s.lease == LeaseSight::free && primary(s) && s.was_primary; }},
    // The first lease of a node whose instance was alone until now, or is started for the first time.
    Rule{"the node has had no lease yet, and this is its primary", HaAction::take,
         [](const Seen& s) {
             return s.lease == LeaseSight::none && (primary(s) || (down(s) && !s.stopped_by_user)) && s.was_primary;
         }},
    Rule{"maintenance: writable without a lease", HaAction::alarm,
         [](const Seen& s) { return s.maintenance && !held(s) && primary(s); }},
    Rule{"writable without a lease", HaAction::kill, [](const Seen& s) { return !held(s) && writable(s); }},

    // Data that cannot serve.
    Rule{"the data directory belongs to another database system", HaAction::refuse,
         [](const Seen& s) { return s.phase == ServerPhase::foreign; }},
    Rule{"the data directory is gone", HaAction::release, [](const Seen& s) { return held(s) && gone(s); }},

    // The agent was started again.
    Rule{"the server of the agent's earlier start runs under its lease", HaAction::adopt,
         [](const Seen& s) { return earlier(s) && !down(s) && s.adoptable; }},
    Rule{"stopped by a user", HaAction::release,
         [](const Seen& s) { return earlier(s) && down(s) && s.stopped_by_user; }},
    Rule{"the lease is of an earlier start, and its server has ended", HaAction::take,
         [](const Seen& s) { return earlier(s) && down(s); }},
    Rule{"the lease is of an earlier start, and its server is a standby", HaAction::release,
         [](const Seen& s) { return earlier(s) && (standby(s) || s.phase == ServerPhase::starting_standby); }},
    Rule{"the server is of an earlier start and not under its lease", HaAction::kill,
         [](const Seen& s) { return earlier(s); }},
    Rule{"the guard is gone", HaAction::restart_guard,
         [](const Seen& s) { return mine(s) && primary(s) && s.guard_gone && !past_hard(s) && !s.maintenance; }},

    // The primary.
    Rule{"a switchover is asked for", HaAction::switch_over,
         [](const Seen& s) { return mine(s) && primary(s) && s.task == HaTask::switch_away; }},
    Rule{"a user stops it", HaAction::shut_down,
         [](const Seen& s) { return mine(s) && primary(s) && s.stopped_by_user; }},
    Rule{"the primary answers nobody, and another one can take over", HaAction::stop_and_release,
         [](const Seen& s) { return mine(s) && primary(s) && s.stuck && s.other_candidate && !by_hand(s); }},
    Rule{"the synchronous standbys are to be changed", HaAction::fix_sync,
         [](const Seen& s) { return mine(s) && primary(s) && s.sync_differs; }},
    Rule{"primary", HaAction::serve, [](const Seen& s) { return mine(s) && primary(s); }},

    // The holder that is not the primary yet.
    Rule{"a user stops it", HaAction::release,
         [](const Seen& s) { return mine(s) && standby(s) && s.stopped_by_user; }},
    Rule{"maintenance, or by hand: nobody asked for a promotion", HaAction::release,
         [](const Seen& s) { return mine(s) && standby(s) && by_hand(s) && s.task == HaTask::none; }},
    Rule{"it turned out that it must not be promoted", HaAction::release,
         [](const Seen& s) { return mine(s) && standby(s) && s.promotion == Promotion::refused; }},
    Rule{"ready to be promoted", HaAction::promote,
         [](const Seen& s) { return mine(s) && standby(s) && s.promotion == Promotion::ready && !past_hard(s); }},
    Rule{"the promotion cannot be prepared, and another one can take over", HaAction::release,
         [](const Seen& s) { return mine(s) && standby(s) && too_slow(s) && s.other_candidate; }},
    Rule{"the promotion is prepared", HaAction::prepare_promotion, [](const Seen& s) { return mine(s) && standby(s); }},
    Rule{"it takes too long, and another one can take over", HaAction::kill_and_release,
         [](const Seen& s) { return mine(s) && too_slow(s) && s.other_candidate && !by_hand(s); }},

    // The primary that is down.
    Rule{"stopped by a user", HaAction::release, [](const Seen& s) { return mine(s) && down(s) && s.stopped_by_user; }},
    Rule{"stopped by a plan", HaAction::hold, [](const Seen& s) { return mine(s) && down(s) && s.kept_down; }},
    Rule{"the primary fails again and again, and another one can take over", HaAction::kill_and_release,
         [](const Seen& s) { return mine(s) && hopeless(s) && s.other_candidate && !by_hand(s); }},
    Rule{"the primary ended", HaAction::start_primary,
         [](const Seen& s) { return mine(s) && down(s) && s.primary_data && !s.maintenance && !past_hard(s); }},
    Rule{"the candidate's server ended before it was promoted", HaAction::release,
         [](const Seen& s) { return mine(s) && down(s) && !s.primary_data; }},
    Rule{"under way", HaAction::hold, [](const Seen& s) { return mine(s); }},

    // Nobody else starts or promotes what a user stopped.
    Rule{"a user stops it", HaAction::shut_down, [](const Seen& s) { return standby(s) && s.stopped_by_user; }},
    Rule{"stopped by a user", HaAction::wait, [](const Seen& s) { return (down(s) || gone(s)) && s.stopped_by_user; }},

    // Nobody holds the lease.
    Rule{"the lease was given to this instance", HaAction::take,
         [](const Seen& s) { return s.lease == LeaseSight::reserved_for_me && standby(s) && eligible(s); }},
    Rule{"the lease was given to another instance", HaAction::publish,
         [](const Seen& s) { return reserved(s) && standby(s); }},
    Rule{"best candidate: its position has to be final", HaAction::disconnect,
         [](const Seen& s) { return open(s) && standby(s) && may_take(s) && s.receives; }},
    Rule{"best candidate", HaAction::take, [](const Seen& s) { return open(s) && standby(s) && may_take(s); }},
    Rule{"maintenance: nobody asked for a failover", HaAction::wait,
         [](const Seen& s) { return open(s) && standby(s) && s.maintenance; }},
    Rule{"no lease, and not to be promoted now", HaAction::publish,
         [](const Seen& s) { return open(s) && standby(s); }},

    // Another one holds it.
    Rule{"the new holder counts what its standbys have", HaAction::publish,
         [](const Seen& s) { return another_holds(s) && standby(s) && s.votes_wanted; }},
    Rule{"its data went another way than the primary's", HaAction::rejoin,
         [](const Seen& s) { return another_holds(s) && standby(s) && s.diverged && !s.maintenance; }},
    Rule{"the primary is another one now", HaAction::follow,
         [](const Seen& s) { return another_holds(s) && standby(s) && s.follows_wrong; }},
    Rule{"standby", HaAction::keep_up, [](const Seen& s) { return another_holds(s) && standby(s); }},
    Rule{"stopped by a plan", HaAction::wait, [](const Seen& s) { return down(s) && s.kept_down; }},
    Rule{"the last primary starts again, and nobody has taken over", HaAction::take,
         [](const Seen& s) {
             return s.lease == LeaseSight::free && down(s) && s.resumes && s.was_primary && s.primary_data;
         }},
    Rule{"maintenance", HaAction::wait, [](const Seen& s) { return s.maintenance && (down(s) || gone(s)); }},
    Rule{"it ended, and another one is the primary", HaAction::rejoin,
         [](const Seen& s) { return another_holds(s) && down(s); }},
    Rule{"its data is gone, and another one is the primary", HaAction::copy,
         [](const Seen& s) { return another_holds(s) && gone(s); }},
    Rule{"it ended, and nobody is the primary", HaAction::start_standby, [](const Seen& s) { return down(s); }},
};

}  // namespace

Decision decide(const Observation& seen) {
    for (const auto& rule : kRules)
        if (rule.fits(seen)) return {rule.action, rule.why};
    return {HaAction::wait, "nothing to do yet"};
}

std::string_view to_string(HaAction action) {
    switch (action) {
        case HaAction::wait: return "wait";
        case HaAction::hold: return "hold";
        case HaAction::serve: return "serve";
        case HaAction::keep_up: return "keep up";
        case HaAction::publish: return "publish";
        case HaAction::follow: return "follow";
        case HaAction::renew: return "renew";
        case HaAction::continue_failsafe: return "continue by failsafe";
        case HaAction::adopt: return "adopt";
        case HaAction::take: return "take";
        case HaAction::disconnect: return "disconnect";
        case HaAction::prepare_promotion: return "prepare the promotion";
        case HaAction::promote: return "promote";
        case HaAction::fix_sync: return "change the synchronous standbys";
        case HaAction::switch_over: return "switch over";
        case HaAction::restart_guard: return "restart the guard";
        case HaAction::start_primary: return "start as primary";
        case HaAction::start_standby: return "start as standby";
        case HaAction::rejoin: return "rejoin";
        case HaAction::copy: return "copy";
        case HaAction::shut_down: return "shut down";
        case HaAction::stop_fast: return "stop";
        case HaAction::stop_and_release: return "stop and release";
        case HaAction::kill: return "kill";
        case HaAction::kill_and_release: return "kill and release";
        case HaAction::release: return "release";
        case HaAction::refuse: return "refuse";
        case HaAction::alarm: return "alarm";
    }
    throw Error(ErrorKind::internal, "an action without a name");
}

}  // namespace pgedge
