#pragma once

#include <map>
#include <string>

#include "cli/cli_command.hpp"

namespace pgedge {

/// The manual pages of pgedgectl in mdoc(7), by file name: pgedgectl.1 with what holds for all commands, and one page
/// for each command or group at the root, e.g. pgedgectl-db.1.
std::map<std::string, std::string> man_pages(const CliCommand& root);

}  // namespace pgedge
