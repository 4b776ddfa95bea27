#pragma once

#include <string>

#include "common/base/json.hpp"

namespace pgedge {

/// JSON as YAML 1.2 in block style. Texts that a reader could take for something else stand in quotes.
std::string to_yaml(const OrderedJson& value);
std::string to_yaml(const Json& value);

}  // namespace pgedge
