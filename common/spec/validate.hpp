#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/spec/database_spec.hpp"
#include "common/spec/problem.hpp"

namespace pgedge {

/// What is known besides the spec. Rules that need more than is known are left out.
struct ValidationContext {
    enum class Change { unknown, create, update };
    Change change = Change::unknown;
    const DatabaseSpec* stored = nullptr;    ///< for update: the spec as it is stored
    std::optional<std::string> database_id;  ///< with a service's id it must not be longer than 53 characters
};

/// Every rule of the control plane's API that needs no host, in the order of the fields. For an update pass the spec
/// after merge_omitted(). Paths begin with "spec.". Pure.
std::vector<Problem> validate(const DatabaseSpec& spec, const ValidationContext& context = {});

}  // namespace pgedge
