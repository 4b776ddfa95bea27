#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.hpp"

namespace pgedge {

/// One thing that is wrong with a spec. All of them are reported at once. Never holds the value of a secret.
struct Problem {
    std::string path{};  ///< from the root of the document: "spec.nodes[2].host_ids[0]"; empty: the whole document
    std::string file{};  ///< empty when it came as the body of a request
    int line = 0;        ///< 1-based; 0: not known
    int column = 0;      ///< in characters, 1-based; 0: not known
    std::string text{};  ///< "must be between 0 and 65535"
    std::string hint{};  ///< what to do: "did you mean \"port\"?"; may be empty
    /// The API's name: missing_field, invalid_field_type, invalid_pattern, invalid_length, invalid_range,
    /// invalid_enum_value, invalid_format, decode_payload; invalid_input for every other rule.
    std::string name = "invalid_input";
    bool operator==(const Problem&) const = default;
};

/// "storefront.yaml:23:12: spec.nodes[2].host_ids[0]: text (hint)"; for bodies "nodes[2].host_ids[0]: text (hint)", the
/// way of the control plane's API, whose paths begin inside the spec.
std::string to_line(const Problem& problem);
/// All problems in one Error{invalid_input}, a line each; its API name is that of the problems when all have the same,
/// else invalid_input. Needs at least one problem.
Error to_error(const std::vector<Problem>& problems);
/// Throws to_error() unless `problems` is empty.
void throw_if_any(const std::vector<Problem>& problems);

}  // namespace pgedge
