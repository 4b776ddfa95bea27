#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/postgres_ha/local_instance.hpp"
#include "agent/postgres/slot_file.hpp"
#include "common/base/json.hpp"

namespace pgedge {

/// Whether a slot may be called so: lower-case letters, digits and underscores, at most 63.
bool is_slot_name(std::string_view name);
/// "000000005e000140", as the scripts that this API was made for write positions of slots.
std::string slot_position(Lsn lsn);

/// The state file of a slot, read again when it was being replaced; nullopt: there is none.
std::optional<std::string> read_slot_file(const std::filesystem::path& data, const std::string& name, int major);
/// Names of the slots that the data directory has, in byte order.
std::vector<std::string> slot_names(const std::filesystem::path& data);

/// "file" of GET slot/{name}/all: what the file says, or why it cannot be read.
OrderedJson slot_file_json(std::string_view bytes, int major);
/// What GET slot/{name}/all says of the file; `sql` is the slot's row of pg_replication_slots, or null.
OrderedJson slot_answer(const std::string& name, std::string_view bytes, int major, Json sql);
/// GET slots/meta: by slot, how far its reader has confirmed; null where the file cannot be read.
Json slot_positions(const LocalInstance& instance);

}  // namespace pgedge
