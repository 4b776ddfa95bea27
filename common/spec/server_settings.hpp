#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/spec/database_spec.hpp"

namespace pgedge {

/// What PostgreSQL's settings take, known without a server. Names in any case.

/// Why a server would refuse the value: not of the setting's type, out of its range, no word of its list. Nullopt: it
/// would not, or only the server can tell (texts, settings of extensions). Source: guc.c, parse_int() and its likes.
std::optional<std::string> wrong_in_setting(std::string_view name, const std::string& value);
/// The number in the setting's own unit ("128MB" of shared_buffers is 16384); nullopt: it is not a valid one.
std::optional<double> setting_number(std::string_view name, const std::string& value);
/// False for a name that no PostgreSQL 15 has; true for all with a dot, which are extensions'.
bool may_be_setting_of_15(std::string_view name);
/// The setting that was meant by a mistyped name.
std::optional<std::string> nearest_setting(std::string_view name);

/// What users must not set, because the product does or because replication needs it as it is: why, or what to do
/// instead. Nullopt when they may set it so.
std::optional<std::string> why_not_settable(std::string_view name, const std::string& value);

/// Least values of what replication takes from a server, for a node of a database of `nodes` nodes that has `replicas`
/// besides its primary. docs/settings.md has the reasons.
struct SettingFloor {
    std::string_view name;
    int least;
    std::string_view why;
};
std::vector<SettingFloor> setting_floors(int nodes, int replicas);

/// The tables: one setting a line, its facts behind its name; and lists of names.
extern const std::string_view kNumberSettings, kBooleanSettings, kEnumSettings, kTextSettings, kFixedSettings;

}  // namespace pgedge
