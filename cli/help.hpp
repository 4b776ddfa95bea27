#pragma once

#include <string>

#include "cli/cli_command.hpp"
#include "cli/terminal/text.hpp"

namespace pgedge {

/// Help of a command, beginning with its examples. `all`: also what it does at length, and the global options, which
/// are two screens.
std::string help_of(const CliCommand& command, bool all, int columns, const Style& style);

/// "pgedgectl db show DATABASE [options]"
std::string usage_of(const CliCommand& command);
/// "-n, --node NODE"
std::string shown_names(const Parameter& parameter);

/// Words of `text` in lines of at most `columns`, each after `indent` blanks; the first line without them.
std::string wrapped(const std::string& text, int indent, int columns);

}  // namespace pgedge
