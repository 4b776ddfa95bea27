#pragma once

#include <cstdint>
#include <string>

namespace pgedge {

/// "23.5GiB", for people: rounded to a tenth, in the largest unit of which there is one at least.
std::string size_text(std::int64_t bytes);

}  // namespace pgedge
