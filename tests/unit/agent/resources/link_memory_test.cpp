#include "agent/resources/link_memory.hpp"

#include <doctest/doctest.h>

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

ApplyFailure failure(const std::string& at, const std::string& commit_lsn = "0/100") {
    return {"sub_n1_n2", "1", at, "it violates", "INSERT into public.t", commit_lsn, "734", "today"};
}

/// One link, looked at again and again.
struct Looks {
    LinkMemory memory;

    SubscriptionStatus look(WallTime now, const std::string& status, const std::vector<ApplyFailure>& failures = {},
                            const std::string& origin = "0/50") {
        std::vector<SubscriptionStatus> seen(1);
        seen[0].name = "sub_n1_n2";
        seen[0].slot = "pgl";
        seen[0].status = status;
        memory.note(seen, {{"pgl", {"1", origin}}}, failures, now);
        return seen[0];
    }
};

}  // namespace

TEST_CASE("a subscription is down since the first of the looks in a row that saw it so") {
    Looks looks;
    CHECK_FALSE(looks.look(WallTime(5s), "replicating").down_since);
    CHECK(looks.look(WallTime(10s), "down").down_since == WallTime(10s));
    CHECK(looks.look(WallTime(15s), "down").down_since == WallTime(10s));
    CHECK_FALSE(looks.look(WallTime(20s), "initializing").down_since);
    CHECK(looks.look(WallTime(25s), "down").down_since == WallTime(25s));
}

TEST_CASE("a failure stands while the worker tries again and again, until the origin has passed it") {
    Looks looks;
    CHECK(looks.look(WallTime(5s), "down", {failure("a")}).failure->since == WallTime(5s));
    CHECK(looks.look(WallTime(10s), "replicating", {failure("a")}).failure->since == WallTime(5s));
    CHECK(looks.look(WallTime(15s), "down", {failure("a"), failure("b")}).failure->since == WallTime(5s));
    CHECK(looks.look(WallTime(20s), "replicating").failure);
    CHECK(looks.look(WallTime(25s), "replicating", {}, "0/100").failure);  // the end is behind the commit
    CHECK_FALSE(looks.look(WallTime(30s), "replicating", {}, "0/130").failure);
    // The log still tells of it.
    CHECK_FALSE(looks.look(WallTime(35s), "down", {failure("a"), failure("b")}, "0/130").failure);
}

TEST_CASE("another transaction that fails is another failure, with its own time") {
    Looks looks;
    looks.look(WallTime(5s), "down", {failure("a")});
    const auto next = looks.look(WallTime(10s), "down", {failure("a"), failure("b", "0/200")}, "0/130").failure;
    REQUIRE(next);
    CHECK(next->commit_lsn == "0/200");
    CHECK(next->since == WallTime(10s));
}

TEST_CASE("a link that replicates for long without failing again is well, wherever its origin stands") {
    Looks looks;
    looks.look(WallTime(0s), "down", {failure("a")});
    CHECK(looks.look(WallTime(5s), "replicating").failure);
    CHECK(looks.look(WallTime(600s), "replicating").failure);
    CHECK_FALSE(looks.look(WallTime(605s), "replicating").failure);
}

TEST_CASE("an error outside of transactions goes with the status") {
    Looks looks;
    CHECK(looks.look(WallTime(5s), "down", {failure("a", "")}).failure);
    CHECK(looks.look(WallTime(10s), "down").failure);
    CHECK_FALSE(looks.look(WallTime(15s), "replicating").failure);
}

TEST_CASE("what the agent before knew is not forgotten") {
    Looks before;
    const auto last = before.look(WallTime(5s), "down", {failure("a")});
    Looks looks;
    looks.memory.remember({last});
    CHECK(looks.memory.needs_details({last}));
    CHECK(looks.look(WallTime(60s), "replicating").failure->since == WallTime(5s));
    CHECK(looks.look(WallTime(65s), "down", {failure("b")}).failure->since == WallTime(5s));
}

TEST_CASE("a failure is found by the origin when the log does not name the subscription") {
    Looks looks;
    auto of_another = failure("a"), of_this = failure("b");
    of_another.subscription = of_this.subscription = "";
    of_another.origin_id = "2";
    CHECK_FALSE(looks.look(WallTime(5s), "down", {of_another}).failure);
    CHECK(looks.look(WallTime(10s), "down", {of_this, of_another}).failure);
}

TEST_CASE("a link that fails at the same transaction is not woken all the time, one that cannot connect is") {
    Looks looks;
    const auto down = looks.look(WallTime(5s), "down", {failure("a")});
    CHECK(looks.memory.shall_wake(down, WallTime(5s)));
    CHECK_FALSE(looks.memory.shall_wake(down, WallTime(10s)));
    CHECK(looks.memory.shall_wake(down, WallTime(65s)));

    Looks others;
    const auto unreachable = others.look(WallTime(5s), "down", {failure("a", "")});
    CHECK(others.memory.shall_wake(unreachable, WallTime(5s)));
    CHECK(others.memory.shall_wake(unreachable, WallTime(10s)));
}

TEST_CASE("positions in the log are numbers") {
    CHECK(lsn_number("0/0") == 0);
    CHECK(lsn_number("1/A") == 0x10000000AULL);
    CHECK(lsn_number("FFFFFFFF/FFFFFFFF") == ~0ULL);
    for (const auto* wrong : {"", "/", "1", "1/", "/1", "x/1", "1/1x", "123456789/1"}) CHECK(lsn_number(wrong) == 0);
}
