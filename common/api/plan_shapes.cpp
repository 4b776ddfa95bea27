#include "common/api/shapes.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

using namespace schema;

/// Read together: the steps name the states by their numbers.
void read_plan(const AnswerFields& fields, PlanAnswer& answer) {
    try {
        answer.plan = plan_from_json({{"states", fields.array("states")}, {"steps", fields.array("steps")}});
    } catch (const Error& error) {
        throw Error(ErrorKind::failed, "the agent's plan cannot be read: " + error.text(),
                    "is its version another than that of this pgedgectl? compare: pgedgectl version --server");
    }
}

}  // namespace

const Shape<PlanAnswer, PlanAnswer>& plan_shape() {
    using It = PlanAnswer;
    static const auto shape =
        Shape<It, It>("PlannedOperation", "plan")
            .must("database_id", identifier_text(), &It::database_id, needed(&It::database_id))
            .must("type", one_of({"create", "update", "delete"}), &It::type, needed(&It::type))
            .must("base_revision", integer("Of the database; 0: it does not exist yet"), &It::base_revision,
                  &It::base_revision)
            .must("digest", text("Give it as expected_digest to carry out exactly this"), &It::digest,
                  needed(&It::digest))
            .must("changes", boolean("false: nothing to do"), &It::changes, &It::changes)
            .must("summary", text("In one line: +12 ~1 -0, 1 restart, no data loss"), &It::summary, &It::summary)
            .must("warnings", list_of(text()), &It::warnings, &It::warnings)
            .must("states", list_of(described(text(), "The states on the way, in order")),
                  [](const It& answer) { return answer.plan.states; })
            .must(
                "steps", list_of(described(any_object(), "One change, its reason, and what it waits for")),
                [](const It& answer) { return to_json(answer.plan).at("steps"); }, read_plan);
    return shape;
}

}  // namespace pgedge
