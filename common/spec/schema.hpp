#pragma once

#include <string>
#include <string_view>

#include "common/base/json.hpp"

namespace pgedge {

/// JSON Schema draft-07 of spec files (schemas/pgedge-v1.schema.json), printed from the fields table.
OrderedJson json_schema();
/// json_schema() as text, indented, with a line end.
std::string json_schema_text();
/// Only the types, by name ("Database", "Node", "User" …), with references that start with `prefix`, e.g.
/// "#/components/schemas/": for an OpenAPI document. "Database" is the `spec` of a database.
OrderedJson schema_definitions(std::string_view prefix);

/// What `pgedgectl explain spec.nodes.port` prints: meaning, type, bounds, default, example, notes, fields inside.
/// Indexes are ignored and "spec" alone is the database; what begins with "cluster" is of kind Cluster. Throws
/// Error{not_found} with the nearest name as hint.
std::string explain(std::string_view path);

}  // namespace pgedge
