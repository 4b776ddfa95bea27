#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/api/control_plane/api_route.hpp"

namespace pgedge {

/// Streams the log of a task, one JSON document a line: each entry as it comes, and at the end {"task": {…}}. An empty
/// line now and then shows that the connection lives. Ends when the task has, when the client goes, or when the agent
/// stops (then without the last line). `limit_entries` cuts what is there at the beginning.
HttpResponse followed_log(const ApiCall& call, const Task& task, const std::string& after_entry_id,
                          std::optional<std::int64_t> limit_entries);

}  // namespace pgedge
