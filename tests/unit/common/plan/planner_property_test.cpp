#include <algorithm>
#include <random>
#include <set>

#include <doctest/doctest.h>

#include "tests/unit/common/plan/plan_text.hpp"

using namespace pgedge;
using pgedge::plan_text::outcome;

namespace {

constexpr unsigned kWorlds = 400;

/// Random databases. Resources need only those of a smaller number, so there is no circle.
class World {
public:
    explicit World(unsigned seed) : random_(seed) {}

    std::vector<Resource> resources() {
        std::vector<Resource> result;
        std::vector<ResourceId> made;
        for (int i = 0; i < 14; ++i) {
            if (one_in(4)) continue;
            Resource resource{{"k", std::to_string(i)}, "h" + std::to_string(i % 3), {}, {{"x", number(3)}}, {}};
            for (const auto& id : made)
                if (one_in(5)) resource.needs.push_back(id);
            made.push_back(resource.id);
            result.push_back(resource);
        }
        std::shuffle(result.begin(), result.end(), random_);
        return result;
    }

    Known known() {
        Known known;
        for (auto& resource : resources()) {
            const bool missing = one_in(8), failed = one_in(8);
            known[resource.id] = {resource, missing, failed ? "failed" : ""};
        }
        return known;
    }

    /// Some of the wanted resources with all they need, then all of them.
    std::vector<WantedState> states(const Known& now) {
        const auto all = resources();
        WantedState part{"part", {}, false};
        for (const auto& resource : all) {
            const bool can = std::all_of(resource.needs.begin(), resource.needs.end(),
                                         [&](const ResourceId& need) { return now.contains(need); });
            if (can && now.contains(resource.id) && one_in(2)) part.resources.push_back(resource);
        }
        return {part, {"all", all, true}};
    }

private:
    bool one_in(int many) { return number(many) == 0; }
    int number(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
    std::mt19937 random_;
};

/// The ids of the steps that have ended before each step begins.
std::map<std::string, std::set<std::string>> ended_before(const Plan& plan) {
    std::map<std::string, std::set<std::string>> before;
    for (const auto& step : plan.steps) {
        auto& mine = before[step.id];
        for (const auto& id : step.after) {
            REQUIRE_MESSAGE(before.contains(id), "a step waits for one that stands behind it");
            mine.insert(id);
            mine.insert(before[id].begin(), before[id].end());
        }
    }
    REQUIRE_MESSAGE(before.size() == plan.steps.size(), "two steps have one id");
    return before;
}

void check_order(const Plan& plan) {
    const auto before = ended_before(plan);
    for (const auto& step : plan.steps)
        for (const auto& other : plan.steps) {
            const auto& needs = step.resource.needs;
            const bool needs_other = std::find(needs.begin(), needs.end(), other.resource.id) != needs.end();
            const bool same_state = step.id.substr(0, 2) == other.id.substr(0, 2);
            if (!same_state)
                CHECK(before.at(std::max(step.id, other.id)).contains(std::min(step.id, other.id)));
            else if (needs_other && step.action != Action::remove)
                CHECK(before.at(step.id).contains(other.id));
            else if (needs_other && other.action == Action::remove)
                CHECK(before.at(other.id).contains(step.id));
        }
}

void check_minimal(const Plan& plan) {
    const auto before = ended_before(plan);
    for (const auto& step : plan.steps)
        for (const auto& id : step.after)
            for (const auto& other : step.after)
                CHECK_MESSAGE(!before.at(other).contains(id), "a wait that follows from another");
}

}  // namespace

TEST_CASE("plans for random databases honour what needs what, with no wait too many") {
    for (unsigned seed = 0; seed < kWorlds; ++seed) {
        CAPTURE(seed);
        World world(seed);
        const Known now = world.known();

        const Plan plan = make_plan(now, world.states(now));

        check_order(plan);
        check_minimal(plan);
    }
}

TEST_CASE("after a plan has been carried out there is nothing left to do") {
    for (unsigned seed = 0; seed < kWorlds; ++seed) {
        CAPTURE(seed);
        World world(seed);
        const Known now = world.known();
        const auto states = world.states(now);

        const Plan plan = make_plan(now, states);
        const Plan again = make_plan(outcome(now, plan), {states.back()});

        CHECK(again.empty());
    }
}

TEST_CASE("a plan that was broken off is completed by planning again") {
    for (unsigned seed = 0; seed < kWorlds; ++seed) {
        CAPTURE(seed);
        World world(seed);
        const Known now = world.known();
        const auto states = world.states(now);
        Plan half = make_plan(now, states);
        half.steps.resize(half.steps.size() / 2);

        const Known interrupted = outcome(now, half);
        const Known end = outcome(interrupted, make_plan(interrupted, {states.back()}));

        CHECK(end.size() == states.back().resources.size());
        for (const auto& resource : states.back().resources) CHECK(end.at(resource.id).resource.want == resource.want);
    }
}

TEST_CASE("the same states give the same plan") {
    for (unsigned seed = 0; seed < kWorlds; ++seed) {
        World one(seed), two(seed);
        const Known now = one.known(), same = two.known();
        CHECK(to_json(make_plan(now, one.states(now))) == to_json(make_plan(same, two.states(same))));
    }
}
