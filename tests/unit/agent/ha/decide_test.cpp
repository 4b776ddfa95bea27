#include "agent/ha/decide.hpp"

#include <array>
#include <optional>
#include <set>
#include <string>

#include <doctest/doctest.h>

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

/// Takes an index apart into values, one after the other: so that a loop over it goes through all combinations.
class Mixed {
public:
    explicit Mixed(std::uint64_t index) : rest_(index) {}
    std::uint64_t one_of(std::uint64_t count) {
        const auto digit = rest_ % count;
        rest_ /= count;
        return digit;
    }
    template <class Enum>
    Enum any(Enum last) {
        return static_cast<Enum>(one_of(static_cast<std::uint64_t>(last) + 1));
    }
    bool flag() { return one_of(2) == 1; }
    bool over() const { return rest_ > 0; }

private:
    std::uint64_t rest_;
};

/// What decides most: all combinations are tried. nullopt after the last one.
std::optional<Observation> main_values(std::uint64_t index) {
    Mixed from(index);
    Observation seen;
    seen.times = lease_times(4s);
    seen.store = from.any(StoreSight::refused);
    seen.lease = from.any(LeaseSight::mine_of_earlier_start);
    seen.phase = from.any(ServerPhase::stopping);
    seen.since_renewal = std::array<std::chrono::nanoseconds, 4>{0s, seen.times.soft, seen.times.hard - 1ns,
                                                                 seen.times.hard}[from.one_of(4)];
    seen.standing = from.any(Standing::ineligible);
    seen.task = from.any(HaTask::forced_failover);
    seen.failsafe = from.any(Failsafe::refused);
    seen.maintenance = from.flag();
    seen.was_primary = from.flag();
    seen.primary_data = from.flag();
    if (from.over()) return std::nullopt;
    return seen;
}

/// Of neighbours it makes numbers that have nothing to do with each other (SplitMix64).
std::uint64_t scattered(std::uint64_t number) {
    number += 0x9e3779b97f4a7c15;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
    number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
    return number ^ (number >> 31);
}

/// The rest, 98,304 combinations: too many for each of the above, so each of the above gets some of them, others each
/// time, and over the whole run every pair of values meets.
Observation with_other_values(Observation seen, std::uint64_t number) {
    Mixed from(scattered(number) % 98304);
    seen.crashes = from.flag() ? 2 : 1;
    seen.in_phase = from.flag() ? 31s : 1s;
    seen.promotion = from.any(Promotion::refused);
    seen.stuck = from.flag();
    seen.stopped_by_user = from.flag();
    seen.kept_down = from.flag();
    seen.resumes = from.flag();
    seen.manual = from.flag();
    seen.guard_gone = from.flag();
    seen.adoptable = from.flag();
    seen.other_candidate = from.flag();
    seen.receives = from.flag();
    seen.too_soon = from.flag();
    seen.follows_wrong = from.flag();
    seen.sync_differs = from.flag();
    seen.votes_wanted = from.flag();
    return seen;
}

template <class Check>
std::uint64_t for_all(const Check& check) {
    constexpr int kOthers = 8;
    std::uint64_t tried = 0;
    for (std::uint64_t index = 0; const auto seen = main_values(index); ++index)
        for (int i = 0; i < kOthers; ++i) check(with_other_values(*seen, tried++));
    return tried;
}

bool is_held(const Observation& seen) {
    return seen.lease == LeaseSight::mine || seen.lease == LeaseSight::mine_of_earlier_start;
}
bool runs_as_primary(const Observation& seen) {
    return seen.phase == ServerPhase::primary || seen.phase == ServerPhase::promoting ||
           seen.phase == ServerPhase::starting_primary;
}
bool before_hard(const Observation& seen) { return seen.since_renewal < seen.times.hard; }

std::string text(const Observation& seen) {
    const auto number = [](auto value) { return std::to_string(static_cast<int>(value)); };
    return "store " + number(seen.store) + " lease " + number(seen.lease) + " phase " + number(seen.phase) +
           " standing " + number(seen.standing) + " task " + number(seen.task) + " maintenance " +
           number(seen.maintenance) + " failsafe " + number(seen.failsafe) + " since ms " +
           std::to_string(seen.since_renewal / 1ms);
}

/// Counts, so that millions of cases make one assertion each and the first one that fails is told.
class Always {
public:
    explicit Always(const char* what) : what_(what) {}
    ~Always() {
        INFO(what_ << ": " << first_);
        CHECK(met_ > 0);
        CHECK(failed_ == 0);
    }
    Always(const Always&) = delete;
    Always& operator=(const Always&) = delete;
    void check(bool holds, const Observation& seen, const Decision& decision) {
        ++met_;
        if (holds) return;
        if (failed_++ == 0) first_ = text(seen) + " -> " + std::string(to_string(decision.action));
    }

private:
    const char* what_;
    std::string first_;
    std::uint64_t met_ = 0, failed_ = 0;
};

}  // namespace

TEST_CASE("the safety properties hold for every observation") {
    Always promotes("promotes or starts a primary only under its own lease, before the hard deadline");
    Always writes("who writes without a sure lease is stopped, or is told of in maintenance");
    Always takes("never takes a lease whose hold runs");
    Always releases("never releases while a primary may run, unless it stops it first");
    Always ineligible("never takes when ineligible, unless the lease or the last primary is its own");
    Always hasty("no failover by itself too soon");
    Always foreign("nothing is done with foreign data");
    Always quiet("without the store nothing is begun");
    Always maintained("in maintenance nothing is started, stopped or promoted by itself");
    Always stopped("what a user stopped is not started, promoted or given the lease");
    Always same("the same observation gives the same decision");

    const auto tried = for_all([&](const Observation& seen) {
        const auto decision = decide(seen);
        const auto action = decision.action;

        same.check(decide(seen).action == action, seen, decision);
        if (action == HaAction::promote || action == HaAction::start_primary || action == HaAction::restart_guard)
            promotes.check(seen.store == StoreSight::ok && seen.lease == LeaseSight::mine && before_hard(seen), seen,
                           decision);
        if (runs_as_primary(seen) && (!is_held(seen) || seen.store == StoreSight::refused ||
                                      (!before_hard(seen) && seen.failsafe != Failsafe::promised))) {
            const bool own = seen.was_primary &&
                             (seen.lease == LeaseSight::none || (seen.lease == LeaseSight::free && seen.maintenance));
            writes.check(action == HaAction::kill ||
                             (action == HaAction::take && own && seen.store == StoreSight::ok) ||
                             (action == HaAction::alarm && seen.maintenance),
                         seen, decision);
        }
        if (action == HaAction::take) {
            takes.check(seen.store == StoreSight::ok && seen.lease != LeaseSight::live &&
                            seen.lease != LeaseSight::mine && seen.lease != LeaseSight::reserved_for_other,
                        seen, decision);
            const bool own = seen.lease == LeaseSight::mine_of_earlier_start || seen.was_primary;
            ineligible.check(own || seen.standing != Standing::ineligible, seen, decision);
            if (!own && seen.lease != LeaseSight::reserved_for_me)
                hasty.check(!seen.too_soon || seen.task == HaTask::forced_failover, seen, decision);
            if (seen.lease == LeaseSight::free || seen.lease == LeaseSight::overdue)
                takes.check(seen.phase != ServerPhase::standby || !seen.receives, seen, decision);
        }
        if (seen.stopped_by_user && !runs_as_primary(seen))
            stopped.check(action != HaAction::take && action != HaAction::promote &&
                              action != HaAction::start_primary && action != HaAction::start_standby &&
                              action != HaAction::rejoin && action != HaAction::copy,
                          seen, decision);
        if (action == HaAction::release) releases.check(!runs_as_primary(seen), seen, decision);
        if (seen.phase == ServerPhase::foreign)
            foreign.check(action == HaAction::refuse || action == HaAction::wait, seen, decision);
        if (seen.store != StoreSight::ok)
            quiet.check(action == HaAction::wait || action == HaAction::kill || action == HaAction::stop_fast ||
                            action == HaAction::renew || action == HaAction::continue_failsafe,
                        seen, decision);
        if (seen.maintenance && seen.store == StoreSight::ok && seen.task == HaTask::none && before_hard(seen) &&
            seen.lease == LeaseSight::mine)
            maintained.check(action == HaAction::hold || action == HaAction::serve || action == HaAction::fix_sync ||
                                 action == HaAction::release || action == HaAction::refuse ||
                                 (action == HaAction::shut_down && seen.stopped_by_user),
                             seen, decision);
    });

    CHECK(tried > 2'000'000);
}

TEST_CASE("only what has to wait falls through all rules") {
    Always listed("waits without a rule");
    std::set<std::string_view> met;
    for_all([&](const Observation& seen) {
        const auto decision = decide(seen);
        met.insert(decision.why);
        if (decision.why != "nothing to do yet") return;
        const bool on_its_way = seen.phase == ServerPhase::starting_standby || seen.phase == ServerPhase::stopping;
        const bool no_source = seen.phase == ServerPhase::absent && seen.lease != LeaseSight::live;
        const bool no_primary_yet = seen.phase == ServerPhase::standby && seen.lease == LeaseSight::none;
        listed.check(!is_held(seen) && (on_its_way || no_source || no_primary_yet), seen, decision);
    });

    CHECK(met.size() >= 35);  // every rule is reached
}

namespace {

/// A healthy standby of a healthy node.
Observation a_standby() {
    Observation seen;
    seen.times = lease_times(4s);
    seen.lease = LeaseSight::live;
    seen.phase = ServerPhase::standby;
    seen.standing = Standing::best;
    seen.receives = true;
    return seen;
}

Observation a_primary() {
    auto seen = a_standby();
    seen.lease = LeaseSight::mine;
    seen.phase = ServerPhase::primary;
    seen.was_primary = seen.primary_data = true;
    seen.receives = false;
    return seen;
}

}  // namespace

TEST_CASE("a failover goes step by step") {
    auto seen = a_standby();
    CHECK(decide(seen).action == HaAction::keep_up);
    seen.lease = LeaseSight::overdue;
    CHECK(decide(seen).action == HaAction::disconnect);
    seen.receives = false;
    CHECK(decide(seen).action == HaAction::take);
    seen.lease = LeaseSight::mine;
    CHECK(decide(seen).action == HaAction::prepare_promotion);
    seen.promotion = Promotion::ready;
    CHECK(decide(seen).action == HaAction::promote);
    seen.phase = ServerPhase::promoting;
    CHECK(decide(seen).action == HaAction::hold);
    seen.phase = ServerPhase::crashed;  // promoted, and the store does not know it yet
    seen.primary_data = true;
    CHECK(decide(seen).action == HaAction::start_primary);
    seen.phase = ServerPhase::primary;
    CHECK(decide(seen).action == HaAction::serve);
}

TEST_CASE("a switchover that maintenance meets half way is ended by its candidate") {
    auto seen = a_standby();
    seen.task = HaTask::switch_here;
    seen.maintenance = true;
    seen.lease = LeaseSight::reserved_for_me;
    CHECK(decide(seen).action == HaAction::take);
    seen.lease = LeaseSight::mine;
    seen.promotion = Promotion::ready;
    CHECK(decide(seen).action == HaAction::promote);
    seen.phase = ServerPhase::primary;
    CHECK(decide(seen).action == HaAction::serve);
}

TEST_CASE("who holds the lease and does not get ready gives way to another one") {
    auto seen = a_standby();
    seen.lease = LeaseSight::mine;
    seen.in_phase = 31s;
    CHECK(decide(seen).action == HaAction::prepare_promotion);
    seen.other_candidate = true;
    CHECK(decide(seen).action == HaAction::release);
    for (const auto phase : {ServerPhase::starting_primary, ServerPhase::starting_standby, ServerPhase::stopping,
                             ServerPhase::promoting}) {
        seen.phase = phase;
        CHECK(decide(seen).action == HaAction::kill_and_release);
    }
}

TEST_CASE("nobody takes over by itself while the holder's renewal may be on its way") {
    auto seen = a_standby();
    seen.lease = LeaseSight::overdue;
    seen.receives = false;
    seen.too_soon = true;
    CHECK(decide(seen).action == HaAction::publish);
    seen.task = HaTask::forced_failover;
    CHECK(decide(seen).action == HaAction::take);
}

TEST_CASE("a server that ends is started in place once, then another one takes over") {
    auto seen = a_primary();
    seen.phase = ServerPhase::crashed;
    seen.crashes = 1;
    seen.other_candidate = true;
    CHECK(decide(seen).action == HaAction::start_primary);
    seen.crashes = 2;
    CHECK(decide(seen).action == HaAction::kill_and_release);
    seen.other_candidate = false;
    CHECK(decide(seen).action == HaAction::start_primary);
}

TEST_CASE("an agent that comes back finds its server, or what is left of it") {
    auto seen = a_primary();
    seen.lease = LeaseSight::mine_of_earlier_start;
    seen.adoptable = true;
    CHECK(decide(seen).action == HaAction::adopt);
    seen.store = StoreSight::silent;
    CHECK(decide(seen).action == HaAction::renew);
    seen.since_renewal = seen.times.soft;
    CHECK(decide(seen).action == HaAction::stop_fast);

    seen = a_primary();
    seen.lease = LeaseSight::mine_of_earlier_start;
    seen.phase = ServerPhase::crashed;
    CHECK(decide(seen).action == HaAction::take);
}

TEST_CASE("what a user stops is shut down, gives the lease away, and stays down whoever holds it") {
    auto seen = a_primary();
    seen.stopped_by_user = true;
    CHECK(decide(seen).action == HaAction::shut_down);
    seen.phase = ServerPhase::stopped;
    CHECK(decide(seen).action == HaAction::release);
    seen.lease = LeaseSight::mine_of_earlier_start;
    CHECK(decide(seen).action == HaAction::release);
    for (const auto lease : {LeaseSight::live, LeaseSight::overdue, LeaseSight::free}) {
        seen.lease = lease;
        seen.phase = ServerPhase::stopped;
        CHECK(decide(seen).action == HaAction::wait);
        seen.phase = ServerPhase::absent;
        CHECK(decide(seen).action == HaAction::wait);
        seen.phase = ServerPhase::standby;
        CHECK(decide(seen).action == HaAction::shut_down);
    }
}

TEST_CASE("the last primary goes on where it stopped when it is started and nobody has had the lease since") {
    auto seen = a_primary();
    seen.lease = LeaseSight::free;
    seen.phase = ServerPhase::stopped;
    CHECK(decide(seen).action == HaAction::start_standby);
    seen.resumes = true;
    CHECK(decide(seen).action == HaAction::take);
    seen.primary_data = false;
    CHECK(decide(seen).action == HaAction::start_standby);
    seen.lease = LeaseSight::live;
    CHECK(decide(seen).action == HaAction::rejoin);
}

TEST_CASE("of a node that scripts look after nobody is promoted unless somebody asks, and fencing goes on") {
    auto seen = a_standby();
    seen.manual = true;
    seen.receives = false;
    seen.lease = LeaseSight::free;
    CHECK(decide(seen).action == HaAction::publish);
    seen.lease = LeaseSight::overdue;
    CHECK(decide(seen).action == HaAction::publish);
    seen.task = HaTask::forced_failover;
    CHECK(decide(seen).action == HaAction::take);
    seen.lease = LeaseSight::mine;
    seen.task = HaTask::switch_here;
    seen.promotion = Promotion::ready;
    CHECK(decide(seen).action == HaAction::promote);

    seen = a_primary();
    seen.manual = true;
    CHECK(decide(seen).action == HaAction::serve);
    seen.phase = ServerPhase::crashed;
    seen.crashes = 3;
    seen.other_candidate = true;
    CHECK(decide(seen).action == HaAction::start_primary);
    seen = a_primary();
    seen.manual = true;
    seen.lease = LeaseSight::live;
    CHECK(decide(seen).action == HaAction::kill);
    seen.phase = ServerPhase::crashed;
    CHECK(decide(seen).action == HaAction::rejoin);
}

TEST_CASE("what a plan stopped is left to it") {
    auto seen = a_primary();
    seen.phase = ServerPhase::stopped;
    seen.kept_down = true;
    seen.other_candidate = true;
    CHECK(decide(seen).action == HaAction::hold);
    seen.lease = LeaseSight::live;
    CHECK(decide(seen).action == HaAction::wait);
}

TEST_CASE("a node that was a single instance gets its first lease without a stop") {
    auto seen = a_primary();
    seen.lease = LeaseSight::none;
    CHECK(decide(seen).action == HaAction::take);
    seen.was_primary = false;
    CHECK(decide(seen).action == HaAction::kill);
}

TEST_CASE("a forced failover minds neither the other candidates nor maintenance, but the other's hold") {
    auto seen = a_standby();
    seen.standing = Standing::behind;
    seen.maintenance = true;
    seen.task = HaTask::forced_failover;
    seen.receives = false;
    CHECK(decide(seen).action == HaAction::keep_up);
    seen.lease = LeaseSight::overdue;
    CHECK(decide(seen).action == HaAction::take);
    seen.standing = Standing::ineligible;  // also under the limits of a forced one
    CHECK(decide(seen).action == HaAction::wait);
    seen.task = HaTask::none;
    CHECK(decide(seen).action == HaAction::wait);
}

TEST_CASE("a standby stays as it is while the new holder counts what it has, then it follows") {
    auto seen = a_standby();
    seen.follows_wrong = seen.votes_wanted = seen.diverged = true;
    CHECK(decide(seen).action == HaAction::publish);
    seen.votes_wanted = seen.diverged = false;
    CHECK(decide(seen).action == HaAction::follow);
}

TEST_CASE("synchronous standbys are changed by a primary under its lease, also in maintenance, and by nobody else") {
    auto seen = a_primary();
    seen.sync_differs = true;
    CHECK(decide(seen).action == HaAction::fix_sync);
    seen.maintenance = true;
    CHECK(decide(seen).action == HaAction::fix_sync);
    seen.store = StoreSight::silent;
    CHECK(decide(seen).action == HaAction::renew);
    seen = a_standby();
    seen.sync_differs = true;
    CHECK(decide(seen).action == HaAction::keep_up);
}
