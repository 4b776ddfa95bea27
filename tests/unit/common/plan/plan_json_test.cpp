#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "tests/unit/common/plan/plan_text.hpp"

using namespace pgedge;
using namespace pgedge::plan_text;

namespace {

Plan a_plan() {
    return make_plan(
        known("instance.server::i@h1 want port=1\nold@h2"),
        {state("instance.server::i@h1 want port=2", false, "restart"),
         state("instance.server::i@h1 want port=2\nnew@h2 needs instance.server::i want script=x once script")});
}

std::string error_of_plan(const Json& json) {
    try {
        plan_from_json(json);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::invalid_input);
        return error.text();
    }
    return "no error";
}

}  // namespace

TEST_CASE("a plan survives JSON") {
    const Plan plan = a_plan();
    REQUIRE(plan.steps.size() == 3);
    CHECK(plan_from_json(parse_json(to_text(to_json(plan)))) == plan);
    CHECK(step_from_json(to_json(plan.steps[1])) == plan.steps[1]);
    CHECK(resource_from_json(to_json(plan.steps[1].resource)) == plan.steps[1].resource);
}

TEST_CASE("JSON that is no plan is refused with the place") {
    const Json good = to_json(a_plan());
    const auto changed = [&](const std::string& pointer, const Json& value) {
        Json json = good;
        json[Json::json_pointer(pointer)] = value;
        return error_of_plan(json);
    };
    CHECK(error_of_plan(Json::array()) == "plan: an object is expected");
    CHECK(changed("/steps", 1) == "plan.steps: a list is expected");
    CHECK(changed("/steps/0", "x") == "plan.steps[0]: an object is expected");
    CHECK(changed("/steps/1/action", "explode") == "plan.steps[1].action: no action is called \"explode\"");
    CHECK(changed("/steps/1/reason", "") == "plan.steps[1].reason: no reason is called \"\"");
    CHECK(changed("/steps/1/resource/want", Json::array()) == "plan.steps[1].resource.want: an object is expected");
    CHECK(changed("/steps/1/resource/needs/0", 5) == "plan.steps[1].resource.needs[0]: an object is expected");
    CHECK(changed("/steps/1/impact/restart", "no") == "plan.steps[1].impact.restart: true or false is expected");
    CHECK(changed("/steps/1/extra", 1) == "plan.steps[1].extra is not known");
    CHECK(changed("/steps/0/after", Json::array({"9.k::x.create"})) ==
          "plan.steps[0].after: no step before this one is called \"9.k::x.create\"");
    CHECK(changed("/steps/1/id", good["steps"][0]["id"]) ==
          "plan.steps[1].id: \"0.instance.server::i.update\" stands twice in the plan");
    Json missing = good;
    missing["steps"][2].erase("why");
    CHECK(error_of_plan(missing) == "plan.steps[2].why is missing");
}
