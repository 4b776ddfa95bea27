#include "common/plan/plan_json.hpp"

#include <fmt/format.h>

#include "common/base/json_fields.hpp"
#include "common/plan/plan.hpp"
#include "common/plan/words.hpp"

namespace pgedge {
namespace {

Json to_json(const ResourceId& id) { return {{"kind", id.kind}, {"name", id.name}}; }

ResourceId id_from(JsonFields& fields) { return {fields.text("kind"), fields.text("name")}; }

/// Runs `read`, so that a word that is not in a table is told with its place.
template <class Table>
auto word(JsonFields& fields, const std::string& name, const Table& table) {
    const std::string& text = fields.text(name);
    try {
        return table.value_of(text);
    } catch (const Error& error) {
        throw Error(ErrorKind::invalid_input, fields.path_of(name) + ": " + error.text());
    }
}

}  // namespace

Json to_json(const Resource& resource) {
    Json needs = Json::array();
    for (const auto& need : resource.needs) needs.push_back(to_json(need));
    Json json{{"kind", resource.id.kind},    {"name", resource.id.name},
              {"host_id", resource.host_id}, {"needs", std::move(needs)},
              {"want", resource.want},       {"ignore_changes_of", resource.ignore_changes_of}};
    if (!resource.node.empty()) {
        json["node"] = resource.node;
        json["instance_id"] = resource.instance_id;
    }
    return json;
}

static Resource read_resource(const Json& json, const std::string& path) {
    JsonFields fields(json, path);
    Resource resource;
    resource.id = id_from(fields);
    resource.host_id = fields.text("host_id");
    for (const Json& item : fields.list("needs")) {
        JsonFields need(item, fields.path_of(fmt::format("needs[{}]", resource.needs.size())));
        resource.needs.push_back(id_from(need));
        need.done();
    }
    resource.want = fields.object("want");
    resource.ignore_changes_of = fields.texts("ignore_changes_of");
    if (fields.find("node")) {
        resource.node = fields.text("node");
        resource.instance_id = fields.text("instance_id");
    }
    fields.done();
    return resource;
}

Json to_json(const Step& step) {
    Json json{{"id", step.id},
              {"action", to_string(step.action)},
              {"resource", to_json(step.resource)},
              {"reason", to_string(step.reason)},
              {"why", step.why},
              {"impact", {{"restart", step.impact.restart}, {"deletes_data", step.impact.deletes_data}}},
              {"after", step.after}};
    if (!step.primary_of.empty()) json["primary_of"] = step.primary_of;
    return json;
}

static Step read_step(const Json& json, const std::string& path) {
    JsonFields fields(json, path);
    Step step;
    step.id = fields.text("id");
    step.action = word(fields, "action", kActions);
    step.resource = read_resource(fields.any("resource"), fields.path_of("resource"));
    step.reason = word(fields, "reason", kReasons);
    step.why = fields.text("why");
    JsonFields impact(fields.any("impact"), fields.path_of("impact"));
    step.impact = {impact.flag("restart"), impact.flag("deletes_data")};
    impact.done();
    step.after = fields.texts("after");
    if (fields.find("primary_of")) step.primary_of = fields.text("primary_of");
    fields.done();
    return step;
}

Json to_json(const Plan& plan) {
    Json steps = Json::array();
    for (const auto& step : plan.steps) steps.push_back(to_json(step));
    return {{"states", plan.states}, {"steps", std::move(steps)}};
}

Plan read_plan(const Json& json, const std::string& path) {
    JsonFields fields(json, path);
    Plan plan;
    plan.states = fields.texts("states");
    std::set<std::string> seen;
    for (const Json& item : fields.list("steps")) {
        const std::string place = fields.path_of(fmt::format("steps[{}]", plan.steps.size()));
        Step step = read_step(item, place);
        // Whoever waits for a step stands behind it: so the steps can be no circle.
        for (const auto& id : step.after)
            if (!seen.contains(id))
                throw Error(ErrorKind::invalid_input,
                            place + ".after: no step before this one is called \"" + id + "\"");
        if (!seen.insert(step.id).second)
            throw Error(ErrorKind::invalid_input, place + ".id: \"" + step.id + "\" stands twice in the plan");
        plan.steps.push_back(std::move(step));
    }
    fields.done();
    return plan;
}

Resource resource_from_json(const Json& json) { return read_resource(json, "resource"); }
Step step_from_json(const Json& json) { return read_step(json, "step"); }
Plan plan_from_json(const Json& json) { return read_plan(json, "plan"); }

}  // namespace pgedge
