#pragma once

#include "common/base/json.hpp"

namespace pgedge {

/// The OpenAPI 3.1 description of our API, made from the routes and the schemas; schemas/openapi.json is its text.
const OrderedJson& openapi_document();

}  // namespace pgedge
