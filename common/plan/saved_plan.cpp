#include "common/plan/saved_plan.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/json_fields.hpp"
#include "common/base/text.hpp"
#include "common/plan/plan_json.hpp"
#include "common/spec/secret_reference.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kFormat = "pgedge-plan/1";
constexpr std::array<std::string_view, 3> kOperations{"create", "update", "delete"};
/// Members of a spec that hold secrets, wherever they stand (control-plane API: fields that are never returned).
constexpr std::array<std::string_view, 5> kSecretFields{"password", "s3_key", "s3_key_secret", "gcs_key", "azure_key"};

bool is_reference(const Json& value) {
    if (value.is_null() || value.is_object()) return true;  // {"env": …} and what the store keeps
    if (!value.is_string()) return false;
    try {
        return parse_secret_reference(value.get_ref<const std::string&>()).has_value();
    } catch (const Error&) {
        return false;  // half a reference is no reference
    }
}

void refuse_secrets(const Json& value, const std::string& path) {
    if (value.is_array())
        for (std::size_t i = 0; i < value.size(); ++i) refuse_secrets(value[i], fmt::format("{}[{}]", path, i));
    if (!value.is_object()) return;
    for (const auto& [name, inner] : value.items()) {
        const std::string place = path + "." + name;
        if (std::find(kSecretFields.begin(), kSecretFields.end(), name) != kSecretFields.end() && !is_reference(inner))
            throw Error(ErrorKind::invalid_input, place + ": a secret in clear may not stand in a saved plan",
                        "write env:NAME, file:PATH, generate:LENGTH or keep in the spec instead of the secret");
        refuse_secrets(inner, place);
    }
}

Json to_json(const SavedOperation& object) {
    Json json{{"operation", object.operation},
              {"kind", object.kind},
              {"id", object.id},
              {"document", object.document},
              {"base_revision", object.base_revision},
              {"digest", object.digest},
              {"plan", to_json(object.plan)},
              {"warnings", object.warnings}};
    if (object.force_update) json["force_update"] = true;  // a program that does not know it has to refuse the plan
    if (!object.remove_hosts.empty()) json["remove_hosts"] = object.remove_hosts;
    return json;
}

SavedOperation read_operation(const Json& json, const std::string& path) {
    JsonFields fields(json, path);
    SavedOperation object;
    object.operation = fields.text("operation");
    if (std::find(kOperations.begin(), kOperations.end(), object.operation) == kOperations.end())
        throw Error(ErrorKind::invalid_input,
                    fields.path_of("operation") + ": \"" + object.operation + "\" is not create, update or delete");
    object.kind = fields.text("kind");
    object.id = fields.text("id");
    object.document = fields.object("document");
    object.base_revision = fields.integer("base_revision");
    object.digest = fields.text("digest");
    object.plan = read_plan(fields.any("plan"), fields.path_of("plan"));
    object.warnings = fields.texts("warnings");
    if (fields.find("force_update")) object.force_update = fields.flag("force_update");
    if (fields.find("remove_hosts")) object.remove_hosts = fields.texts("remove_hosts");
    fields.done();
    refuse_secrets(object.document, fields.path_of("document"));
    return object;
}

}  // namespace

bool SavedPlan::changes() const {
    return std::any_of(objects.begin(), objects.end(),
                       [](const SavedOperation& object) { return !object.plan.empty(); });
}

std::string to_document(const SavedPlan& plan) {
    OrderedJson objects = OrderedJson::array();
    for (const auto& object : plan.objects) {
        refuse_secrets(object.document, object.kind + " " + object.id);
        objects.push_back(OrderedJson(to_json(object)));
    }
    const OrderedJson document{{"format", kFormat},
                               {"tool_version", plan.tool_version},
                               {"cluster_id", plan.cluster_id},
                               {"author", plan.author},
                               {"created_at", to_rfc3339_ms(plan.created_at)},
                               {"inputs_digest", plan.inputs_digest},
                               {"changes", plan.changes()},
                               {"objects", std::move(objects)}};
    return document.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

SavedPlan read_saved_plan(std::string_view document) {
    if (document.size() > kMaxSavedPlan) throw Error(ErrorKind::invalid_input, "too large for a saved plan");
    const Json json = parse_json(document);
    JsonFields fields(json, "plan");
    if (const std::string& format = fields.text("format"); format != kFormat)
        throw Error(ErrorKind::invalid_input,
                    fmt::format("plan.format: this is \"{}\", and this program reads \"{}\"", format, kFormat),
                    "plan again with this version of pgedgectl");
    SavedPlan plan;
    plan.tool_version = fields.text("tool_version");
    plan.cluster_id = fields.text("cluster_id");
    plan.author = fields.text("author");
    plan.created_at = within("reading plan.created_at", [&] { return parse_rfc3339(fields.text("created_at")); });
    plan.inputs_digest = fields.text("inputs_digest");
    const bool changes = fields.flag("changes");
    std::set<std::pair<std::string, std::string>> seen;
    for (const Json& item : fields.list("objects")) {
        const std::string place = fields.path_of(fmt::format("objects[{}]", plan.objects.size()));
        plan.objects.push_back(read_operation(item, place));
        const auto& object = plan.objects.back();
        if (!seen.emplace(object.kind, object.id).second)
            throw Error(ErrorKind::invalid_input,
                        fmt::format("{}: {} {} stands twice in the plan", place, object.kind, object.id));
    }
    fields.done();
    if (changes != plan.changes())
        throw Error(ErrorKind::invalid_input,
                    "plan.changes does not agree with the steps: the file was changed by hand");
    return plan;
}

}  // namespace pgedge
