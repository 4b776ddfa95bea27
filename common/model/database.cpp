#include "common/model/database.hpp"

#include "common/base/names.hpp"

namespace pgedge {
namespace {

constexpr NameTable<DatabaseState, 9> kDatabaseStates{"database state",
                                                      {{{DatabaseState::creating, "creating"},
                                                        {DatabaseState::modifying, "modifying"},
                                                        {DatabaseState::available, "available"},
                                                        {DatabaseState::deleting, "deleting"},
                                                        {DatabaseState::degraded, "degraded"},
                                                        {DatabaseState::failed, "failed"},
                                                        {DatabaseState::restoring, "restoring"},
                                                        {DatabaseState::backing_up, "backing_up"},
                                                        {DatabaseState::unknown, "unknown"}}}};

}  // namespace

std::string_view to_string(DatabaseState state) { return kDatabaseStates.name_of(state); }
DatabaseState parse_database_state(std::string_view text) { return kDatabaseStates.value_of(text); }

bool is_modifiable(DatabaseState state) {
    return state == DatabaseState::available || state == DatabaseState::degraded || state == DatabaseState::failed;
}

}  // namespace pgedge
