#include "agent/api/control_plane/api_route.hpp"
#include "agent/api/control_plane/openapi.hpp"
#include "common/api/shapes.hpp"
#include "common/spec/schema.hpp"

namespace pgedge {
namespace {

/// RFC 8631: where a machine finds the description of this API.
HttpResponse root(const ApiCall&) {
    HttpResponse response;
    response.status = 204;
    response.headers["Link"] = "</v1/openapi.json>; rel=\"service-desc\"";
    return response;
}

HttpResponse version(const ApiCall& call) { return json_response(version_shape().write(call.plane.build)); }

HttpResponse openapi(const ApiCall&) { return json_response(openapi_document()); }
HttpResponse spec_schema(const ApiCall&) { return json_response(json_schema()); }

}  // namespace

std::vector<ApiRoute> description_routes() {
    return {
        {.method = "GET",
         .path = "/",
         .id = "get-root",
         .summary = "Nothing but a link to the description of this API (RFC 8631)",
         .role = Role::anyone,
         .status = 204,
         .before_init = true,
         .run = root},
        {.method = "GET",
         .path = "/v1/version",
         .id = "get-version",
         .summary = "Which build answers",
         .role = Role::anyone,
         .answer = "VersionInfo",
         .before_init = true,
         .run = version},
        {.method = "GET",
         .path = "/v1/openapi.json",
         .id = "get-openapi",
         .summary = "This document",
         .role = Role::anyone,
         .answer = "Document",
         .before_init = true,
         .run = openapi},
        {.method = "GET",
         .path = "/v1/schema.json",
         .id = "get-spec-schema",
         .summary = "JSON Schema (draft-07) of the files that pgedgectl reads",
         .role = Role::anyone,
         .answer = "Document",
         .before_init = true,
         .run = spec_schema},
    };
}

}  // namespace pgedge
