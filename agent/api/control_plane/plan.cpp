#include <algorithm>
#include <utility>

#include "agent/api/control_plane/api_route.hpp"
#include "agent/api/control_plane/decode_error.hpp"
#include "common/api/shapes.hpp"
#include "common/plan/render.hpp"
#include "common/spec/load.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::minutes kPlanLimit{2};

/// Takes a flag that is ours out of the body, so that the rest is a body of create or update.
bool take_flag(Json& body, const char* name) {
    if (!body.contains(name)) return false;
    const Json value = body.at(name);
    if (!value.is_boolean()) throw invalid_field_type(std::string("body.") + name, to_text(value), "boolean");
    body.erase(name);
    return value.get<bool>();
}

std::vector<std::string> take_texts(Json& body, const char* name) {
    if (!body.contains(name)) return {};
    const Json value = body.at(name);
    const bool fits =
        value.is_array() && std::all_of(value.begin(), value.end(), [](const Json& one) { return one.is_string(); });
    if (!fits) throw invalid_field_type(std::string("body.") + name, to_text(value), "array of strings");
    body.erase(name);
    return value.get<std::vector<std::string>>();
}

HttpResponse shown(const PlannedOperation& planned) {
    PlanAnswer answer;
    answer.database_id = planned.database_id;
    answer.type = planned.type;
    answer.base_revision = planned.base_revision;
    answer.digest = planned.digest;
    answer.changes = !planned.plan.empty();
    answer.summary = summary_line(planned.plan);
    answer.warnings = planned.warnings;
    answer.plan = planned.plan;
    return json_response(plan_shape().write(answer));
}

HttpResponse plan(const ApiCall& call) {
    auto turn = call.turn_to_read();
    Json body = call.body();
    UpdateOptions options;
    options.remove_hosts = take_texts(body, "remove_hosts");
    if (!take_flag(body, "delete")) {
        options.force_update = take_flag(body, "force_update");
        const auto document = load_body(std::exchange(body, {}));
        if (turn) turn.unlock();
        return shown(call.cluster->operations.plan(document, options, call.limit));
    }

    if (!body.contains("id")) throw missing_field("id", "body");
    if (!body.at("id").is_string()) throw invalid_field_type("body.id", to_text(body.at("id")), "string");
    if (body.size() > 1)
        throw Error(ErrorKind::invalid_input, "a plan to delete takes nothing but an id and remove_hosts");
    return shown(call.cluster->operations.plan_removal(body.at("id"), options, call.limit));
}

}  // namespace

std::vector<ApiRoute> plan_routes() {
    return {
        {.method = "POST",
         .path = "/v1/plan",
         .id = "plan-database",
         .summary = "What a create, an update or a delete would do, step by step; nothing is changed",
         .role = Role::read,
         .body = "PlanRequest",
         .answer = "PlannedOperation",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized", "database_not_modifiable",
                    "operation_already_in_progress", "payload_too_large"},
         .at_most = kPlanLimit,
         .run = plan},
    };
}

}  // namespace pgedge
