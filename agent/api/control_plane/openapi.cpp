#include "agent/api/control_plane/openapi.hpp"

#include <algorithm>
#include <cctype>
#include <map>

#include "agent/api/control_plane/endpoint.hpp"
#include "agent/api/control_plane/schema_words.hpp"
#include "common/base/build_info.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

OrderedJson parameter_schema(ParameterType type) {
    switch (type) {
        case ParameterType::text: return text();
        case ParameterType::texts: return list_of(text());
        case ParameterType::identifier:
        case ParameterType::instance: return identifier_text();
        case ParameterType::node: return text_like("^n[0-9]+$");
        case ParameterType::uuid: return uuid_text();
        case ParameterType::sort_order: return one_of({"asc", "ascend", "ascending", "desc", "descend", "descending"});
        case ParameterType::integer: return integer();
        case ParameterType::boolean: return boolean();
    }
    throw Error(ErrorKind::internal, "a parameter of no type");
}

OrderedJson parameters_of(const Endpoint& endpoint) {
    OrderedJson list = OrderedJson::array();
    for (const auto& parameter : endpoint.parameters) {
        OrderedJson one{{"name", parameter.name},
                        {"in", in_path(endpoint, parameter.name) ? "path" : "query"},
                        {"description", parameter.text}};
        if (in_path(endpoint, parameter.name)) one["required"] = true;
        one["schema"] = parameter_schema(parameter.type);
        list.push_back(std::move(one));
    }
    return list;
}

OrderedJson content_of(const std::string& schema, const std::string& type = "application/json") {
    return {{type, {{"schema", ref(schema)}}}};
}

int status_of(const std::string& error_name) { return Error(ErrorKind::internal, "").named(error_name).http_status(); }

OrderedJson answers_of(const Endpoint& endpoint) {
    OrderedJson good{{"description", endpoint.status == 204 ? "No Content" : "OK"}};
    if (!endpoint.answer.empty()) {
        good["content"] = content_of(endpoint.answer);
        // A followed log has one document a line.
        const auto follows = [](const Parameter& parameter) { return parameter.name == "follow"; };
        if (std::any_of(endpoint.parameters.begin(), endpoint.parameters.end(), follows))
            good["content"]["application/x-ndjson"] = {{"schema", text("Entries, then {\"task\": …}")}};
    }
    std::map<int, std::vector<std::string>> errors{{500, {"server_error"}}};
    for (const auto& name : endpoint.throws) errors[status_of(name)].push_back(name);

    OrderedJson answers{{std::to_string(endpoint.status), std::move(good)}};
    for (const auto& [status, names] : errors)
        answers[std::to_string(status)] = {{"description", joined(names, " | ")}, {"content", content_of("APIError")}};
    answers["default"] = {{"description", "any other error"}, {"content", content_of("APIError")}};
    return answers;
}

OrderedJson operation_of(const Endpoint& endpoint) {
    OrderedJson operation{{"operationId", endpoint.id}, {"summary", endpoint.summary}};
    if (!endpoint.parameters.empty()) operation["parameters"] = parameters_of(endpoint);
    if (!endpoint.body.empty()) operation["requestBody"] = {{"required", true}, {"content", content_of(endpoint.body)}};
    operation["responses"] = answers_of(endpoint);
    return operation;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

OrderedJson make_document() {
    OrderedJson paths = OrderedJson::object();
    for (const auto& endpoint : control_plane_endpoints())
        paths[endpoint.path][lower(endpoint.method)] = operation_of(endpoint);
    return {{"openapi", "3.0.3"},
            {"info",
             {{"title", "pgEdge agent API"},
              {"description",
               "The API of the pgEdge Control Plane, version 1, and more: what it has is here unchanged, ours stands "
               "beside it. Errors are {name, message}, and the header goa-error repeats the name."},
              {"version", build_info().version},
              {"license", {{"name", "PostgreSQL"}}}}},
            {"servers", {{{"url", "http://localhost:3000"}}}},
            {"paths", std::move(paths)},
            {"components", {{"schemas", openapi_schemas()}}}};
}

}  // namespace

const OrderedJson& openapi_document() {
    static const OrderedJson document = make_document();
    return document;
}

}  // namespace pgedge
