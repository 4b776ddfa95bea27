#include "agent/api/control_plane/openapi.hpp"

#include <algorithm>
#include <cctype>
#include <map>

#include "agent/api/control_plane/api_route.hpp"
#include "common/api/schema_words.hpp"
#include "common/api/shapes.hpp"
#include "common/base/build_info.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

OrderedJson parameter_schema(ApiParameterType type) {
    switch (type) {
        case ApiParameterType::text: return schema::text();
        case ApiParameterType::texts: return schema::list_of(schema::text());
        case ApiParameterType::identifier:
        case ApiParameterType::instance: return schema::identifier_text();
        case ApiParameterType::node: return schema::text_like("^n[0-9]+$");
        case ApiParameterType::uuid: return schema::uuid_text();
        case ApiParameterType::scope:
        case ApiParameterType::sort_order: return schema::one_of(allowed_words(type));
        case ApiParameterType::integer: return schema::integer();
        case ApiParameterType::boolean: return schema::boolean();
    }
    throw Error(ErrorKind::internal, "a parameter of no type");
}

OrderedJson parameters_of(const ApiRoute& route) {
    OrderedJson list = OrderedJson::array();
    for (const auto& parameter : route.parameters) {
        OrderedJson one{{"name", parameter.name},
                        {"in", in_path(route, parameter.name) ? "path" : "query"},
                        {"description", parameter.text}};
        if (in_path(route, parameter.name)) one["required"] = true;
        one["schema"] = parameter_schema(parameter.type);
        list.push_back(std::move(one));
    }
    return list;
}

OrderedJson content_of(const std::string& name, const std::string& type = "application/json") {
    return {{type, {{"schema", schema::ref(name)}}}};
}

int status_of(const std::string& error_name) { return Error(ErrorKind::internal, "").named(error_name).http_status(); }

OrderedJson answers_of(const ApiRoute& route) {
    OrderedJson good{{"description", route.status == 204 ? "No Content" : "OK"}};
    if (!route.answer.empty()) {
        good["content"] = content_of(route.answer);
        // A followed log has one document a line.
        const auto follows = [](const ApiParameter& parameter) { return parameter.name == "follow"; };
        if (std::any_of(route.parameters.begin(), route.parameters.end(), follows))
            good["content"]["application/x-ndjson"] = {{"schema", schema::text("Entries, then {\"task\": …}")}};
    }
    std::map<int, std::vector<std::string>> errors{{500, {"server_error"}}};
    for (const auto& name : route.throws) errors[status_of(name)].push_back(name);

    OrderedJson answers{{std::to_string(route.status), std::move(good)}};
    for (const auto& [status, names] : errors)
        answers[std::to_string(status)] = {{"description", joined(names, " | ")}, {"content", content_of("APIError")}};
    answers["default"] = {{"description", "any other error"}, {"content", content_of("APIError")}};
    return answers;
}

OrderedJson operation_of(const ApiRoute& route) {
    OrderedJson operation{
        {"operationId", route.id}, {"summary", route.summary}, {"x-required-role", to_string(route.role)}};
    if (!route.parameters.empty()) operation["parameters"] = parameters_of(route);
    if (!route.body.empty())
        operation["requestBody"] = {{"required", !route.body_is_optional}, {"content", content_of(route.body)}};
    operation["responses"] = answers_of(route);
    return operation;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

OrderedJson make_document() {
    OrderedJson paths = OrderedJson::object();
    for (const auto& route : control_plane_routes()) paths[route.path][lower(route.method)] = operation_of(route);
    return {{"openapi", "3.1.0"},
            {"info",
             {{"title", "pgEdge agent API"},
              {"description",
               "The API of the pgEdge Control Plane, version 1, and more: what it has is here unchanged, ours stands "
               "beside it. Errors are {name, message}, and the header goa-error repeats the name."},
              {"version", build_info().version},
              {"license", {{"name", "PostgreSQL"}}}}},
            {"servers", {{{"url", "http://localhost:3000"}}}},
            {"paths", std::move(paths)},
            {"components", {{"schemas", api_schemas()}}}};
}

}  // namespace

const OrderedJson& openapi_document() {
    static const OrderedJson document = make_document();
    return document;
}

}  // namespace pgedge
