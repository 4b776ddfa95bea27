#pragma once

#include <cstddef>
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
    std::size_t more = 0;  ///< not 0: no problem itself, but so many that are not listed; always the last entry
    bool operator==(const Problem&) const = default;
};

/// Most problems of one body or one set of files that are listed: a hostile one has as many as it has words.
inline constexpr std::size_t kMaxProblems = 100;
/// Adds one, or counts it when the list is full.
void add_problem(std::vector<Problem>& problems, Problem problem);
/// Cuts a list that was put together from several; what is left out is counted in its last entry.
void limit_problems(std::vector<Problem>& problems);
/// "and 7 more problems": what an entry with `more` says.
std::string more_text(std::size_t more);
std::size_t more_in(std::string_view line);  ///< the number in such a text; 0: it is another

/// "storefront.yaml:23:12: spec.nodes[2].host_ids[0]: text (hint)"; for bodies "nodes[2].host_ids[0]: text (hint)", the
/// way of the control plane's API, whose paths begin inside the spec.
std::string to_line(const Problem& problem);
/// All problems, as limit_problems() leaves them, in one Error{invalid_input}, a line each; its API name is that of the
/// problems when all have the same, else invalid_input. Needs at least one problem.
Error to_error(std::vector<Problem> problems);
/// Throws to_error() unless `problems` is empty.
void throw_if_any(std::vector<Problem> problems);

}  // namespace pgedge
