#include "agent/ha/sync_policy.hpp"

#include <doctest/doctest.h>

using namespace pgedge;

namespace {

using Ids = std::set<std::string>;

Candidate at_position(const std::string& id, std::uint64_t end, int timeline = 1) {
    Candidate candidate;
    candidate.instance_id = id;
    candidate.timeline = timeline;
    candidate.received = Lsn{end};
    return candidate;
}

SyncState promised(Ids members, int votes) { return {1, "a", {std::move(members), votes}, 1}; }

HaPolicy policy_of(HaPolicy::Mode mode, int replicas, bool strict = false) {
    HaPolicy policy;
    policy.mode = mode;
    policy.sync_replicas = replicas;
    policy.strict = strict;
    return policy;
}

}  // namespace

TEST_CASE("in mode sync a member of the set needs nobody, another one the position of a member") {
    const auto state = promised({"b"}, 0);
    CHECK(votes_for(state, at_position("b", 100), {}) == Votes::enough);
    CHECK(votes_for(state, at_position("c", 100), {}) == Votes::missing);
    CHECK(votes_for(state, at_position("c", 100), {at_position("b", 100)}) == Votes::enough);
    CHECK(votes_for(state, at_position("c", 100), {at_position("b", 101)}) == Votes::too_few);
}

TEST_CASE("in mode quorum so many members must have nothing that the candidate lacks") {
    const auto state = promised({"b", "c", "d"}, 2);
    CHECK(votes_for(state, at_position("b", 100), {}) == Votes::missing);
    CHECK(votes_for(state, at_position("b", 100), {at_position("c", 90)}) == Votes::missing);
    CHECK(votes_for(state, at_position("b", 100), {at_position("c", 90), at_position("d", 100)}) == Votes::enough);
    CHECK(votes_for(state, at_position("b", 100), {at_position("c", 90), at_position("d", 101)}) == Votes::too_few);
    CHECK(votes_for(state, at_position("e", 100), {at_position("b", 1), at_position("c", 1), at_position("d", 1)}) ==
          Votes::enough);
    CHECK(votes_for(state, at_position("e", 100), {at_position("x", 1), at_position("c", 1), at_position("d", 1)}) ==
          Votes::missing);
}

TEST_CASE("with an empty set only the last primary may take over") {
    const auto state = promised({}, 0);
    CHECK(votes_for(state, at_position("a", 1), {}) == Votes::enough);
    CHECK(votes_for(state, at_position("b", 100), {at_position("c", 1)}) == Votes::too_few);
}

TEST_CASE("a position on a timeline that the candidate did not come by is no vote") {
    const auto state = promised({"b", "c"}, 1);
    auto candidate = at_position("b", 200, 2);
    CHECK(votes_for(state, candidate, {at_position("c", 100)}) == Votes::too_few);
    candidate.history = {{1, Lsn{150}}};
    CHECK(votes_for(state, candidate, {at_position("c", 100)}) == Votes::enough);
    CHECK(votes_for(state, candidate, {at_position("c", 160)}) == Votes::too_few);
    CHECK(votes_for(state, at_position("b", 200), {at_position("c", 100, 2)}) == Votes::too_few);
}

TEST_CASE("the wanted set: some that stay in mode sync, all that stream in mode quorum, nobody in mode async") {
    const Ids all{"b", "c", "d"};
    const auto sync = wanted_sync_set(policy_of(HaPolicy::Mode::sync, 1), all, {{"c"}, 0}, {{"c"}, 1});
    CHECK(sync.members == Ids{"c"});
    CHECK(sync.copies == 1);
    CHECK(wanted_sync_set(policy_of(HaPolicy::Mode::sync, 1), {"b", "d"}, {{"c"}, 0}, {{"c"}, 1}).members == Ids{"b"});
    CHECK(wanted_sync_set(policy_of(HaPolicy::Mode::sync, 2), all, {{"d"}, 0}, {}).members == Ids{"b", "d"});
    const auto quorum = wanted_sync_set(policy_of(HaPolicy::Mode::quorum, 2, true), all, {}, {});
    CHECK(quorum.members == all);
    CHECK(quorum.copies == 2);
    CHECK(quorum.strict);
    CHECK(wanted_sync_set(policy_of(HaPolicy::Mode::quorum, 2), {"b"}, {}, {}).copies == 1);
    CHECK(wanted_sync_set(policy_of(HaPolicy::Mode::async, 1), all, {}, {}).members.empty());
}

TEST_CASE("a server that waits for nobody leaves no standby in the stored set") {
    const auto step = sync_step({{"b"}, 0}, {}, {{"b"}, 1, false});
    REQUIRE(step);
    CHECK_FALSE(step->server_first);
    CHECK(step->stored == StoredSyncSet{});
}

TEST_CASE("names of standbys go there and back, and what is not from here is told") {
    const ServerSyncSet set{{"shop-n1-9ptayhma", "shop-n1-a"}, 2};
    CHECK(standby_names(set) == R"(ANY 2 ("shop_n1_9ptayhma", "shop_n1_a"))");
    CHECK(parse_standby_names(standby_names(set)) == set);
    CHECK(parse_standby_names(standby_names({{kNoStandby}, 1})) == ServerSyncSet{{kNoStandby}, 1});
    CHECK(standby_names({}).empty());
    CHECK(parse_standby_names("") == ServerSyncSet{});
    for (const auto* text : {"*", "a", "FIRST 1 (a)", "ANY 1 (a)", "ANY x (\"a\")", "ANY 0 (\"a\")", "ANY 1 (\"\")"})
        CHECK_FALSE(parse_standby_names(text));
}
