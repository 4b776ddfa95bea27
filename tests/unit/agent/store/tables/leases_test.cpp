#include "agent/store/tables/leases.hpp"

#include <functional>

#include <doctest/doctest.h>

#include "agent/store/local_store.hpp"
#include "common/base/error.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/unit/agent/store/commit.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

constexpr auto kHold = 4000ms;

/// Two agents and their clocks; the store's answers can be lost.
class LossyStore final : public Store {
public:
    CommitResult commit(const Transaction& transaction, const Limit& limit) override {
        if (lose_request) throw Error(ErrorKind::timed_out, "lost on the way there");
        if (delay_request) {
            delayed.push_back(transaction);
            throw Error(ErrorKind::timed_out, "late on the way there");
        }
        auto result = inner.commit(transaction, limit);
        if (const auto first = std::exchange(before_answer, nullptr)) first();
        if (lose_answer) throw Error(ErrorKind::timed_out, "lost on the way back");
        return result;
    }
    Rows read(const Statement& query, Freshness freshness, const Limit& limit) override {
        return inner.read(query, freshness, limit);
    }
    Changes wait_for_changes(std::int64_t since, const Limit& limit) override {
        return inner.wait_for_changes(since, limit);
    }
    void deliver() {
        delay_request = false;
        for (const auto& transaction : std::exchange(delayed, {})) inner.commit(transaction, soon());
    }
    LocalStore inner;
    bool lose_request = false, lose_answer = false, delay_request = false;
    std::vector<Transaction> delayed;
    std::function<void()> before_answer;  ///< once: what happens before the next commit is answered
};

struct LeaseRig {
    LossyStore store;
    FakeClock clock;
    Leases one{store, clock, "host-1", "boot-1/a"};
    Leases two{store, clock, "host-2", "boot-2/a"};

    bool one_takes() { return one.try_take("scheduler", "one", kHold, soon()); }
    bool two_takes() { return two.try_take("scheduler", "two", kHold, soon()); }
    std::int64_t epoch() {
        return store.read({.sql = "SELECT epoch FROM lease"}, Freshness::leader, soon()).at(0).integer(0);
    }
    bool may_write(Leases& leases) {
        Transaction transaction;
        transaction.add(leases.still_mine("scheduler"));
        return store.commit(transaction, soon()).committed;
    }
};

}  // namespace

TEST_CASE("a lease nobody has is taken at once, and only once") {
    LeaseRig rig;
    CHECK(rig.one_takes());
    CHECK(rig.one.holds("scheduler"));
    CHECK_FALSE(rig.two_takes());
    CHECK_FALSE(rig.two.holds("scheduler"));
    CHECK(rig.two.seen("scheduler")->host == "host-1");
    CHECK(rig.two.seen("scheduler")->epoch == 1);
}

TEST_CASE("the holder trusts its lease for 0.6 of the hold, counted from before it asked") {
    LeaseRig rig;
    rig.one_takes();
    rig.clock.advance(2399ms);
    CHECK(rig.one.holds("scheduler"));
    rig.clock.advance(1ms);
    CHECK_FALSE(rig.one.holds("scheduler"));
    rig.one.beat(soon());
    CHECK(rig.one.holds("scheduler"));
}

TEST_CASE("time asleep counts against the holder") {
    LeaseRig rig;
    rig.one_takes();
    rig.clock.sleep(3s);
    CHECK_FALSE(rig.one.holds("scheduler"));
}

TEST_CASE("a step of the wall clock changes nothing") {
    LeaseRig rig;
    rig.one_takes();
    rig.two_takes();
    rig.clock.set_wall(WallTime(1ms));
    CHECK(rig.one.holds("scheduler"));
    rig.clock.set_wall(WallTime(std::chrono::hours(1'000'000)));
    CHECK(rig.one.holds("scheduler"));
    CHECK_FALSE(rig.two_takes());
}

TEST_CASE("a lease whose holder beats is never taken") {
    LeaseRig rig;
    rig.one_takes();
    for (int i = 0; i < 50; ++i) {
        rig.clock.advance(500ms);
        rig.one.beat(soon());
        CHECK_FALSE(rig.two_takes());
        CHECK(rig.one.holds("scheduler"));
    }
}

TEST_CASE("a silent holder is replaced after its whole hold, and never are there two") {
    LeaseRig rig;
    rig.one_takes();
    CHECK_FALSE(rig.two_takes());
    for (auto waited = 0ms; waited < kHold - 100ms; waited += 100ms) {
        rig.clock.advance(100ms);
        CHECK_FALSE(rig.two_takes());
    }
    CHECK_FALSE(rig.one.holds("scheduler"));
    rig.clock.advance(100ms);
    CHECK(rig.two_takes());
    CHECK(rig.two.holds("scheduler"));
    CHECK(rig.epoch() == 2);
}

TEST_CASE("a late write of the old holder is refused by the epoch") {
    LeaseRig rig;
    rig.one_takes();
    CHECK(rig.may_write(rig.one));
    rig.two_takes();
    rig.clock.advance(kHold);
    REQUIRE(rig.two_takes());

    CHECK_FALSE(rig.may_write(rig.one));
    CHECK(rig.may_write(rig.two));
    rig.one.beat(soon());
    CHECK_FALSE(rig.one.holds("scheduler"));
    CHECK_FALSE(rig.one_takes());
}

TEST_CASE("a contender that was started again waits the whole hold again") {
    LeaseRig rig;
    rig.one_takes();
    rig.two_takes();
    rig.clock.advance(kHold - 1ms);
    Leases restarted(rig.store, rig.clock, "host-2", "boot-2/b");
    const auto takes = [&] { return restarted.try_take("scheduler", "two", kHold, soon()); };
    CHECK_FALSE(takes());
    rig.clock.advance(kHold - 1ms);
    CHECK_FALSE(takes());
    rig.clock.advance(1ms);
    CHECK(takes());
}

TEST_CASE("a beat between two looks starts the wait again, also when the look missed it") {
    LeaseRig rig;
    rig.one_takes();
    rig.two_takes();
    rig.clock.advance(kHold - 1ms);
    rig.one.beat(soon());
    rig.clock.advance(1ms);
    CHECK_FALSE(rig.two_takes());  // sees the new beat
    rig.clock.advance(kHold - 1ms);
    CHECK_FALSE(rig.two_takes());
}

TEST_CASE("a beat that looks at a lease as well is both") {
    LeaseRig rig;
    const auto one = [&] { return rig.one.beat_and_try_take("scheduler", "one", kHold, soon()); };
    const auto two = [&] { return rig.two.beat_and_try_take("scheduler", "two", kHold, soon()); };
    CHECK(one());
    CHECK_FALSE(two());
    rig.clock.advance(kHold / 2);
    CHECK(one());  // renews
    CHECK(rig.one.holds("scheduler"));
    CHECK_FALSE(two());
    rig.clock.advance(kHold - 1ms);
    CHECK_FALSE(two());

    rig.clock.advance(1ms);
    CHECK(two());

    CHECK_FALSE(one());
    CHECK_FALSE(rig.one.holds("scheduler"));
    CHECK(rig.two.holds("scheduler"));
    CHECK(rig.epoch() == 2);
}

TEST_CASE("a release is taken over at once") {
    LeaseRig rig;
    rig.one_takes();
    rig.one.release("scheduler", soon());
    CHECK_FALSE(rig.one.holds("scheduler"));
    CHECK_FALSE(rig.may_write(rig.one));
    CHECK(rig.two_takes());
    CHECK(rig.epoch() == 2);
    CHECK_NOTHROW(rig.one.release("scheduler", soon()));
    CHECK(rig.two.holds("scheduler"));
}

TEST_CASE("a holder that was started again has to wait for its own old lease") {
    LeaseRig rig;
    rig.one_takes();
    Leases restarted(rig.store, rig.clock, "host-1", "boot-1/b");
    restarted.beat(soon());
    const auto takes = [&] { return restarted.try_take("scheduler", "one", kHold, soon()); };
    CHECK_FALSE(takes());
    rig.clock.advance(kHold - 1ms);
    restarted.beat(soon());  // keeps no lease of the old incarnation alive
    CHECK_FALSE(takes());
    rig.clock.advance(1ms);
    CHECK(takes());
    CHECK(rig.epoch() == 2);
}

TEST_CASE("an agent whose host id another one took says so and holds nothing") {
    LeaseRig rig;
    rig.one_takes();
    Leases twin(rig.store, rig.clock, "host-1", "boot-9/a");
    twin.beat(soon());
    CHECK_THROWS_AS(rig.one.beat(soon()), Error);
    CHECK_FALSE(rig.one.holds("scheduler"));
}

TEST_CASE("an unknown outcome is not renewed, and a lost take is adopted when it is seen") {
    LeaseRig rig;
    rig.one.beat(soon());
    rig.store.lose_answer = true;
    CHECK_THROWS_AS(rig.one_takes(), Error);
    CHECK_FALSE(rig.one.holds("scheduler"));
    rig.store.lose_answer = false;

    CHECK_FALSE(rig.two_takes());
    CHECK(rig.one_takes());
    CHECK(rig.one.holds("scheduler"));
    CHECK(rig.epoch() == 1);

    rig.store.lose_request = true;
    rig.clock.advance(2s);
    CHECK_THROWS_AS(rig.one.beat(soon()), Error);
    rig.clock.advance(400ms);
    CHECK_FALSE(rig.one.holds("scheduler"));
}

TEST_CASE("one beat renews every lease of the host, and only those it still has") {
    LeaseRig rig;
    for (const char* name : {"a", "b", "c"}) REQUIRE(rig.one.try_take(name, "one", kHold, soon()));
    CHECK_FALSE(rig.two.try_take("b", "two", kHold, soon()));
    rig.clock.advance(kHold);
    REQUIRE(rig.two.try_take("b", "two", kHold, soon()));

    rig.one.beat(soon());

    CHECK(rig.one.holds("a"));
    CHECK_FALSE(rig.one.holds("b"));
    CHECK(rig.one.holds("c"));
    CHECK(rig.two.holds("b"));
}

TEST_CASE("a take whose answer comes after the lease was taken again is not renewed") {
    LeaseRig rig;
    rig.one.beat(soon());
    rig.store.before_answer = [&] {
        CHECK_FALSE(rig.two_takes());
        rig.clock.advance(kHold);
        REQUIRE(rig.two_takes());
        rig.one.beat(soon());  // another thread's, which sees that something was taken
    };
    CHECK_FALSE(rig.one_takes());
    REQUIRE(rig.epoch() == 2);
    rig.one.beat(soon());
    CHECK_FALSE(rig.one.holds("scheduler"));
    CHECK(rig.two.holds("scheduler"));
}

TEST_CASE("a lease of a host that was removed is free after its hold") {
    LeaseRig rig;
    rig.one_takes();
    Transaction removal;
    removal.add(Statement{.sql = "DELETE FROM beat WHERE host = 'host-1'"});
    rig.store.commit(removal, soon());
    CHECK_FALSE(rig.two_takes());
    rig.clock.advance(kHold);
    CHECK(rig.two_takes());
}

TEST_CASE("a release that arrives late ends no term that goes on") {
    LeaseRig rig;
    rig.one_takes();
    rig.store.delay_request = true;
    CHECK_THROWS_AS(rig.one.release("scheduler", soon()), Error);
    CHECK_FALSE(rig.one.holds("scheduler"));
    rig.store.delay_request = false;
    REQUIRE(rig.one_takes());

    rig.store.deliver();

    CHECK_FALSE(rig.two_takes());
    CHECK(rig.one.holds("scheduler"));
    CHECK(rig.may_write(rig.one));
    CHECK(rig.epoch() == 2);
}

TEST_CASE("the next start of an agent goes on with its lease in the same term, and what the earlier one sent is void") {
    LeaseRig rig;
    rig.one_takes();
    CHECK_FALSE(rig.two_takes());
    rig.store.delay_request = true;
    CHECK_THROWS_AS(rig.one.release("scheduler", soon()), Error);
    rig.store.delay_request = false;
    rig.clock.advance(kHold - 1ms);
    Leases restarted(rig.store, rig.clock, "host-1", "boot-1/b");

    const auto seen = restarted.look("scheduler", soon());
    CHECK(seen.state == LeaseLook::State::earlier_start);
    CHECK_FALSE(seen.over);
    CHECK(restarted.adopt(seen, soon()));
    rig.store.deliver();
    rig.clock.advance(1ms);

    CHECK(restarted.holds("scheduler"));
    CHECK(rig.epoch() == 1);
    CHECK_FALSE(rig.two_takes());
    CHECK_FALSE(rig.one.adopt(seen, soon()));  // it is another start's now
}

TEST_CASE("an agent takes the lease of its earlier start at once, as a new term") {
    LeaseRig rig;
    rig.one_takes();
    Leases restarted(rig.store, rig.clock, "host-1", "boot-1/b");
    restarted.beat(soon());

    CHECK(restarted.take(restarted.look("scheduler", soon()), "one", kHold, {}, soon()));

    CHECK(restarted.holds("scheduler"));
    CHECK(rig.epoch() == 2);
    CHECK_FALSE(rig.may_write(rig.one));
}

TEST_CASE("a look shows what may be done, and a take that is not allowed is a mistake of the caller") {
    LeaseRig rig;
    CHECK(rig.two.look("scheduler", soon()).state == LeaseLook::State::none);
    rig.one_takes();
    CHECK(rig.one.look("scheduler", soon()).state == LeaseLook::State::mine);
    const auto live = rig.two.look("scheduler", soon());
    CHECK(live.state == LeaseLook::State::another);
    CHECK_FALSE(live.over);
    CHECK_THROWS_AS(rig.two.take(live, "two", kHold, {}, soon()), Error);
    CHECK_THROWS_AS(rig.two.adopt(live, soon()), Error);

    rig.clock.advance(kHold);
    const auto over = rig.two.look("scheduler", soon());
    CHECK(over.over);
    rig.one.beat(soon());
    CHECK_FALSE(rig.two.take(over, "two", kHold, {}, soon()));  // the beat came in between
    rig.one.release("scheduler", soon());
    CHECK(rig.two.look("scheduler", soon()).state == LeaseLook::State::free);
}

TEST_CASE("what belongs to a take or a release is of one transaction with it") {
    LeaseRig rig;
    const Statement impossible{.sql = "SELECT 1 FROM lease WHERE name = 'another'", .args = {}, .expect = 1};
    CHECK_FALSE(rig.one.take(rig.one.look("scheduler", soon()), "one", kHold, {impossible}, soon()));
    CHECK(rig.one.look("scheduler", soon()).state == LeaseLook::State::none);

    const auto before = rig.clock.boottime();
    CHECK(rig.one.take(rig.one.look("scheduler", soon()), "one", kHold, {}, soon()));
    CHECK(rig.one.renewed_at("scheduler") == before);
    const auto statement = rig.one.give_back("scheduler");
    REQUIRE(statement);
    CHECK_FALSE(rig.one.renewed_at("scheduler"));
    CHECK_FALSE(rig.one.give_back("scheduler"));
    Transaction both;
    both.add(*statement);
    both.add(Statement{.sql = "SELECT 1 FROM lease WHERE holder = ''", .args = {}, .expect = 1});
    CHECK(rig.store.commit(both, soon()).committed);
}

TEST_CASE("at no moment do two agents hold a lease, whatever is lost, late or frozen") {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        LeaseRig rig;
        unsigned state = seed * 2654435761U;
        const auto dice = [&](unsigned sides) {
            state = state * 1664525U + 1013904223U;
            return (state >> 16) % sides;
        };
        for (int step = 0; step < 150; ++step) {
            rig.clock.advance(std::chrono::milliseconds(dice(900)));
            rig.store.lose_request = dice(5) == 0;
            rig.store.lose_answer = dice(5) == 0;
            rig.store.delay_request = dice(5) == 0;
            if (!rig.store.delay_request && dice(4) == 0) rig.store.deliver();
            const bool first = dice(2) == 0;
            try {
                switch (dice(10)) {
                    case 0: (first ? rig.one : rig.two).release("scheduler", soon()); break;
                    case 1:
                    case 2: (first ? rig.one : rig.two).beat(soon()); break;
                    case 3:
                    case 4:
                        (first ? rig.one : rig.two)
                            .beat_and_try_take("scheduler", first ? "one" : "two", kHold, soon());
                        break;
                    default: first ? rig.one_takes() : rig.two_takes();
                }
            } catch (const Error&) {
                // lost on the way: neither agent may draw anything from it
            }
            const bool both = rig.one.holds("scheduler") && rig.two.holds("scheduler");
            REQUIRE_FALSE(both);
        }
    }
}
