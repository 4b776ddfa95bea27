#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "tests/unit/common/plan/plan_text.hpp"

using namespace pgedge;
using namespace pgedge::plan_text;

namespace {

std::string plan_of(const std::string& now, const std::string& wanted, const PlanOptions& options = {}) {
    return text_of(make_plan(known(now), {state(wanted)}, options));
}

}  // namespace

TEST_CASE("what does not exist is created behind what it needs, and hosts do not wait for each other") {
    CHECK(plan_of("", R"(
        server1@h1 needs dir1
        dir1@h1
        dir2@h2
        server2@h2 needs dir2
        link@h2 needs server1 server2 dir2)") ==
          "0 create dir1 (does_not_exist)\n"
          "0 create server1 (does_not_exist) after 0 create dir1\n"
          "0 create dir2 (does_not_exist)\n"
          "0 create server2 (does_not_exist) after 0 create dir2\n"
          "0 create link (does_not_exist) after 0 create server1, 0 create server2\n");
}

TEST_CASE("what is as it is wanted needs no step") {
    const std::string both = "a@h1 want x=1\nb@h1 needs a";
    CHECK(plan_of(both, both).empty());
}

TEST_CASE("a difference in what is read once is none") {
    CHECK(plan_of("a want x=1 script=old once script", "a want x=1 script=new once script").empty());
}

TEST_CASE("each reason for an update is told, and the difference in words") {
    CHECK(plan_of("a want x=1 y=2", "a want x=3 y=2") == "0 update a (has_diff: x 1 -> 3)\n");
    CHECK(plan_of("a@h1", "a@h2") == "0 update a (has_diff: host h1 -> h2)\n");
    CHECK(plan_of("b\na needs b", "b\na") == "0 update a (has_diff: needs loses k::b)\n");
    CHECK(plan_of("a failed", "a") == "0 update a (has_error: it did not work)\n");
    CHECK(plan_of("a want x=1 failed", "a want x=2") == "0 update a (has_diff: x 1 -> 2)\n");
    CHECK(plan_of("a missing failed", "a") == "0 create a (needs_recreate)\n");
    CHECK(plan_of("a", "a", {.force_update = true}) == "0 update a (force_update)\n");
}

TEST_CASE("what is made anew shakes all that stands on it, a mere update does not") {
    const std::string wanted = "dir\nserver needs dir\ndatabase needs server\nother";
    CHECK(plan_of("dir missing\nserver needs dir\ndatabase needs server\nother", wanted) ==
          "0 create dir (needs_recreate)\n"
          "0 update server (dependency_updated: k::dir is made anew) after 0 create dir\n"
          "0 update database (dependency_updated: k::dir is made anew) after 0 update server\n");
    CHECK(plan_of("dir want x=1\nserver needs dir\ndatabase needs server\nother", wanted) ==
          "0 update dir (has_diff: x removed (was 1))\n");
}

TEST_CASE("a slot that is made anew touches nothing of the standby that it keeps WAL for") {
    const Resource slot{{"database.physical_slot", "i"}, "h1", {}, Json::object(), {}};
    const Resource data{{"instance.data", "i"}, "h2", {slot.id}, Json::object(), {}};
    const Known now{{slot.id, {slot, true, ""}}, {data.id, {data, false, ""}}};

    const Plan plan = make_plan(now, {{"end state", {slot, data}, true, {}}}, {});

    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].resource.id == slot.id);
}

TEST_CASE("updates wait for each other through what stays as it is") {
    CHECK(plan_of("server want port=1\ninstance needs server\nlink needs instance want port=1",
                  "server want port=2\ninstance needs server\nlink needs instance want port=2") ==
          "0 update server (has_diff: port 1 -> 2)\n"
          "0 update link (has_diff: port 1 -> 2) after 0 update server\n");
}

TEST_CASE("removals go in reverse") {
    CHECK(plan_of("dir@h1\nserver@h1 needs dir\nlink@h2 needs server slot\nslot@h1 needs server", "") ==
          "0 delete link (not_wanted)\n"
          "0 delete slot (not_wanted) after 0 delete link\n"
          "0 delete server (not_wanted) after 0 delete slot\n"
          "0 delete dir (not_wanted) after 0 delete server\n");
}

TEST_CASE("a removal waits for the updates around it") {
    CHECK(plan_of("server want x=1\nlink needs server\nold needs server", "server want x=2\nlink needs server") ==
          "0 update server (has_diff: x 1 -> 2)\n"
          "0 delete old (not_wanted) after 0 update server\n");
    CHECK(plan_of("a\nuser needs a want x=1", "user want x=2") ==
          "0 update user (has_diff: x 1 -> 2, needs loses k::a)\n"
          "0 delete a (not_wanted) after 0 update user\n");
}

TEST_CASE("known resources that need what is known no more can be removed") {
    CHECK(plan_of("link@h1 needs lost", "") == "0 delete link (not_wanted)\n");
}

TEST_CASE("a state begins when the one before has ended, and is compared with its outcome") {
    const Plan plan = make_plan(
        known("a want x=1\nb want x=1\nold"),
        {state("a want x=2", false), state("b want x=2", false), state("a want x=2\nb want x=2\nc\nd needs c")});
    CHECK(text_of(plan) ==
          "0 update a (has_diff: x 1 -> 2)\n"
          "1 update b (has_diff: x 1 -> 2) after 0 update a\n"
          "2 create c (does_not_exist) after 1 update b\n"
          "2 create d (does_not_exist) after 2 create c\n"
          "2 delete old (not_wanted) after 1 update b\n");
    CHECK(plan.states == std::vector<std::string>{"end state", "end state", "end state"});
}

TEST_CASE("a state without steps is passed over") {
    const Plan plan =
        make_plan(known("a want x=1\nb"), {state("a want x=2", false), state("b", false), state("a want x=2\nb\nc")});
    CHECK(text_of(plan) ==
          "0 update a (has_diff: x 1 -> 2)\n"
          "2 create c (does_not_exist) after 0 update a\n");
}

TEST_CASE("a state that is not complete leaves alone what it does not list, also what is broken") {
    const Plan plan =
        make_plan(known("a missing\nb failed\nc"), {state("c want x=1", false), state("a\nb\nc want x=1")});
    CHECK(text_of(plan) ==
          "0 update c (has_diff: x set to 1)\n"
          "1 create a (needs_recreate) after 0 update c\n"
          "1 update b (has_error: it did not work) after 0 update c\n");
}

TEST_CASE("steps of a state that is not complete keep their order through what it does not list") {
    const Plan plan = make_plan(known("c needs b\nb needs a\na"), {state("c needs b want x=1\na want x=1", false)});
    CHECK(text_of(plan) ==
          "0 update a (has_diff: x set to 1)\n"
          "0 update c (has_diff: x set to 1) after 0 update a\n");
}

TEST_CASE("what was made anew in an earlier state shakes later") {
    const Plan plan = make_plan(known("a missing\nb needs a"), {state("a", false), state("a\nb needs a")});
    CHECK(text_of(plan) ==
          "0 create a (needs_recreate)\n"
          "1 update b (dependency_updated: k::a is made anew) after 0 create a\n");
}

TEST_CASE("force touches each resource once, in the last state") {
    const Plan plan = make_plan(known("a want x=1\nb"), {state("a want x=2", false), state("a want x=2\nb\nc")},
                                {.force_update = true});
    CHECK(text_of(plan) ==
          "0 update a (has_diff: x 1 -> 2)\n"
          "1 update b (force_update) after 0 update a\n"
          "1 create c (does_not_exist) after 0 update a\n");
}

TEST_CASE("a plan that cannot be made is refused with the reason") {
    CHECK_THROWS_WITH_AS(
        plan_of("", "a needs b\nb needs c\nc needs a"),
        "no plan leads to the state \"end state\": resources need each other: k::a -> k::b -> k::c -> k::a", Error);
    CHECK_THROWS_WITH_AS(plan_of("", "a needs a"),
                         "no plan leads to the state \"end state\": resources need each other: k::a -> k::a", Error);
    CHECK_THROWS_WITH_AS(plan_of("b", "a needs b"),
                         "no plan leads to the state \"end state\": k::a needs k::b, which is not there", Error);
    CHECK_THROWS_WITH_AS(plan_of("", "a\na"), "no plan leads to the state \"end state\": k::a stands in it twice",
                         Error);
    CHECK_THROWS_WITH_AS(plan_of("a needs b\nb needs a", ""), "known resources need each other, among them k::a",
                         Error);
}

TEST_CASE("restarts and deleted data are marked") {
    const Plan plan = make_plan(known("instance.server::i want "
                                      "port=1\nfilesystem.dir::i\ninstance.data::i\ninstance.config::i"),
                                {state("instance.server::i want port=2\ninstance.config::i want a=b")});
    REQUIRE(plan.steps.size() == 4);
    CHECK(plan.steps[0].impact == Impact{.restart = true, .deletes_data = false});
    CHECK(plan.steps[1].impact == Impact{});
    CHECK(plan.steps[2].impact == Impact{.restart = false, .deletes_data = true});
    CHECK(plan.steps[3].impact == Impact{.restart = false, .deletes_data = true});
    const Plan forced = make_plan(known("instance.server::i"), {state("instance.server::i")}, {.force_update = true});
    CHECK(forced.steps.at(0).impact == Impact{});
}

TEST_CASE("what stands on a lost host is forgotten") {
    const Known rest = without_hosts(known("a@h1\nb@h2\nc@h3"), {"h1", "h3"});
    REQUIRE(rest.size() == 1);
    CHECK(rest.contains(id_of("b")));
}

TEST_CASE("actions have words") {
    CHECK(to_string(Action::remove) == "delete");
    CHECK(verb_of(Action::create) == "creating");
    CHECK(verb_of(Action::update) == "updating");
    CHECK(verb_of(Action::remove) == "deleting");
}
