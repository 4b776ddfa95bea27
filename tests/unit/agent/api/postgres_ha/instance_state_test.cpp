#include "agent/api/postgres_ha/instance_state.hpp"

#include <vector>

#include <doctest/doctest.h>

using namespace pgedge;

namespace {

struct StateCase {
    bool running, answers, recovery;
    const char* receiver;
    bool drained;
    int standbys;
    bool primary_seen;
    InstanceWord word;
};

InstanceFacts facts_of(const StateCase& each) {
    InstanceFacts facts;
    facts.running = each.running;
    facts.answers = each.answers;
    facts.recovery = each.recovery;
    facts.receiver = each.receiver;
    facts.drained = each.drained;
    facts.standbys = each.standbys;
    return facts;
}

}  // namespace

TEST_CASE("the word for an instance follows from what is seen of it and of the others") {
    using Word = InstanceWord;
    for (const auto& each : std::vector<StateCase>{
             {false, false, false, "", true, 0, false, Word::inactive},
             {false, false, false, "", true, 0, true, Word::inactive},
             {true, false, false, "", true, 0, false, Word::recovery},
             {true, false, false, "", true, 0, true, Word::recovery},
             {true, true, false, "", true, 0, true, Word::single},
             {true, true, false, "", true, 1, true, Word::master},
             {true, true, false, "", true, 2, true, Word::master},
             {true, true, true, "streaming", true, 0, true, Word::slave},
             {true, true, true, "streaming", false, 0, false, Word::slave},
             {true, true, true, "streaming", true, 1, true, Word::slave},  // others stream from it
             {true, true, true, "", true, 0, false, Word::single},
             {true, true, true, "", true, 0, true, Word::recovery},
             {true, true, true, "", false, 0, false, Word::recovery},
             {true, true, true, "starting", true, 0, true, Word::recovery},
             {true, true, true, "waiting", true, 0, false, Word::single},
         }) {
        CAPTURE(to_string(each.word));
        CAPTURE(each.receiver);
        const auto facts = facts_of(each);
        CHECK(word_of(facts, each.primary_seen) == each.word);
        // Nobody else has to be asked where nothing of the others counts.
        if (!needs_others(facts)) CHECK(word_of(facts, true) == word_of(facts, false));
    }
}

TEST_CASE("a primary is one that answers as such, and a stopped one is a replica by its files") {
    InstanceFacts facts;
    CHECK_FALSE(facts.is_primary());
    CHECK_FALSE(facts.is_replica());
    facts.standby_signal = true;
    CHECK(facts.is_replica());
    facts.running = facts.answers = true;  // it was promoted a moment ago
    CHECK(facts.is_primary());
    CHECK_FALSE(facts.is_replica());
    facts.recovery = true;
    CHECK_FALSE(facts.is_primary());
}

TEST_CASE("facts go to another agent and come back as they were") {
    InstanceFacts facts{true, true, true, "streaming", false, 3, 7, {0x5600018000}, true};
    CHECK(instance_facts_from_json(to_json(facts)) == facts);
    CHECK(instance_facts_from_json(to_json(InstanceFacts{})) == InstanceFacts{});
    auto broken = to_json(facts);
    broken["standbys"] = "3";
    CHECK_THROWS(instance_facts_from_json(broken));
}
