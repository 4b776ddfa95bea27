#pragma once

#include <string>
#include <string_view>

#include "common/base/clock.hpp"
#include "common/spec/database_spec.hpp"

namespace pgedge {

enum class DatabaseState { creating, modifying, available, deleting, degraded, failed, restoring, backing_up, unknown };
std::string_view to_string(DatabaseState state);
DatabaseState parse_database_state(std::string_view text);
/// available, degraded, failed: a new operation may begin.
bool is_modifiable(DatabaseState state);

struct Database {
    std::string id;
    std::string tenant_id;  ///< empty: none
    DatabaseState state = DatabaseState::creating;
    std::string dialect;        ///< "spock" or "pglogical", settled at creation
    DatabaseSpec spec;          ///< secrets are SecretRefs
    std::string error;          ///< why it is failed; empty otherwise
    std::string last_task_id;   ///< the operation that touched it last
    std::int64_t revision = 0;  ///< grows with every change of spec, tenant or resources; a saved plan names it
    WallTime created_at{}, updated_at{};
    /// Why its stored record cannot be read, or not all of it; then the spec is empty. Nothing but a delete may begin.
    std::string unreadable{};
};

}  // namespace pgedge
