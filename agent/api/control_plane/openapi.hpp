#pragma once

#include "common/base/json.hpp"

namespace pgedge {

/// The OpenAPI 3.1 description of our API, made from the routes and the schemas; schemas/openapi.json is its text.
const OrderedJson& openapi_document();
/// The shapes of requests and answers, by name: components.schemas of the document.
OrderedJson openapi_schemas();

}  // namespace pgedge
