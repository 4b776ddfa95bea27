#include "agent/ha/candidates.hpp"

#include <functional>

#include <doctest/doctest.h>

using namespace pgedge;

namespace {

constexpr std::uint64_t kSystem = 7'400'000'000'000'000'001;
const LastPrimary kLast{"n1-a", kSystem, 3, Lsn{1000}};

Candidate good(const std::string& id, std::uint64_t received = 1000) {
    Candidate candidate;
    candidate.instance_id = id;
    candidate.system_identifier = kSystem;
    candidate.timeline = 3;
    candidate.received = candidate.replayed = Lsn{received};
    candidate.running = candidate.streaming = candidate.complete = true;
    candidate.guarded = candidate.disk_has_room = true;
    return candidate;
}

struct Flaw {
    const char* reason;
    bool force_helps;
    std::function<void(Candidate&)> put;
};

const std::vector<Flaw> kFlaws{
    {"it does not run", false, [](auto& c) { c.running = false; }},
    {"its data is of another database system", false, [](auto& c) { c.system_identifier = 5; }},
    {"its copy of the primary was not finished", false, [](auto& c) { c.complete = false; }},
    {"its guard or watchdog is not ready", false, [](auto& c) { c.guarded = false; }},
    {"its disk is almost full", false, [](auto& c) { c.disk_has_room = false; }},
    {"it does not stream from the primary, nor has it all of the archive", true, [](auto& c) { c.streaming = false; }},
    {"its restore_command does not answer", true, [](auto& c) { c.archive_answers = false; }},
    {"it is tagged nofailover", true, [](auto& c) { c.nofailover = true; }},
    {"its replay is paused or delayed by a setting", true, [](auto& c) { c.delayed_by_user = true; }},
    {"it is not sure to have every acknowledged commit", true, [](auto& c) { c.may_acknowledge = false; }},
    {"its timeline 2 does not come from the last primary's timeline 3", true, [](auto& c) { c.timeline = 2; }},
    {"it is 200 bytes behind the last primary, more than 100", true,
     [](auto& c) { c.received = c.replayed = Lsn{800}; }},
};

}  // namespace

TEST_CASE("an instance without a flaw may be promoted") {
    CHECK(reasons_against(good("n1-b"), kLast, {.max_lag_bytes = 100}).empty());
}

TEST_CASE("each flaw is told, and force overrides only a loss that a user may accept") {
    for (const auto& flaw : kFlaws) {
        CAPTURE(flaw.reason);
        auto candidate = good("n1-b");
        flaw.put(candidate);
        CHECK(reasons_against(candidate, kLast, {.max_lag_bytes = 100}) == std::vector<std::string>{flaw.reason});
        CHECK(reasons_against(candidate, kLast, {.max_lag_bytes = 100, .forced = true}).empty() == flaw.force_helps);
    }
}

TEST_CASE("a later timeline counts when it left the last primary's after what the instance has") {
    auto candidate = good("n1-b", 1500);
    candidate.timeline = 4;
    candidate.history = {{1, Lsn{100}}, {2, Lsn{300}}, {3, Lsn{1200}}};
    CHECK(reasons_against(candidate, kLast, {}).empty());

    candidate.history.back().at = Lsn{900};  // promoted behind our back, before the primary's last position
    CHECK(reasons_against(candidate, kLast, {}).size() == 1);
}

TEST_CASE("lag is not looked at when the last primary never told its position, or in sync modes") {
    const auto behind = good("n1-b", 10);
    CHECK(reasons_against(behind, {"n1-a", kSystem, 3, std::nullopt}, {.max_lag_bytes = 1}).empty());
    CHECK(reasons_against(behind, kLast, {}).empty());
}

TEST_CASE("more of the log wins, then priority, then less to replay, then the smaller id") {
    CHECK(is_better(good("n1-c", 1001), good("n1-b", 1000)));

    auto preferred = good("n1-c");
    preferred.priority = 2;
    CHECK(is_better(preferred, good("n1-b")));
    CHECK(is_better(good("n1-b", 1001), preferred));

    auto slow = good("n1-b");
    slow.replayed = Lsn{900};
    CHECK(is_better(good("n1-c"), slow));
    CHECK(is_better(good("n1-b"), good("n1-c")));
    CHECK_FALSE(is_better(good("n1-b"), good("n1-b")));
}

TEST_CASE("what was replayed counts, when the server has not received anything since it was started") {
    auto restarted = good("n1-b", 1000);
    restarted.received = Lsn{0};
    CHECK(reasons_against(restarted, kLast, {.max_lag_bytes = 100}).empty());
}

TEST_CASE("an instance stands as best only among all who count") {
    const CandidateLimits limits{.max_lag_bytes = 500};
    auto excluded = good("n1-d", 2000);
    excluded.nofailover = true;

    CHECK(standing_of("n1-b", {good("n1-b"), good("n1-c", 900), excluded}, 0, kLast, limits) == Standing::best);
    CHECK(standing_of("n1-c", {good("n1-b"), good("n1-c", 900)}, 0, kLast, limits) == Standing::behind);
    CHECK(standing_of("n1-b", {good("n1-b"), good("n1-c", 900)}, 1, kLast, limits) == Standing::unsure);
    CHECK(standing_of("n1-d", {good("n1-b"), excluded}, 0, kLast, limits) == Standing::ineligible);
    CHECK(standing_of("n1-x", {good("n1-b")}, 0, kLast, limits) == Standing::unsure);
}
