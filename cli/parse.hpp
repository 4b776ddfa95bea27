#pragma once

#include <string>
#include <vector>

#include "cli/cli_command.hpp"

namespace pgedge {

/// Gives the words of a command line (without the program's name) to the parameters they belong to and returns the
/// command they name: `root` itself when they name none, a group when its command is missing. Required arguments are
/// not asked for: see check_complete(). Throws UsageError, with a suggestion for a mistyped word.
CliCommand& parse(CliCommand& root, const std::vector<std::string>& words);

/// Throws the UsageError for a word that `command` does not know, with the one that may be meant.
[[noreturn]] void refuse_word(const CliCommand& command, const std::string& word);
/// Throws UsageError when `command` is a group, or the last parse() left a required parameter of it without a value.
void check_complete(const CliCommand& command);
/// The names that may stand after `command`: of commands, or of its options and the global ones.
std::vector<std::string> words_after(const CliCommand& command);

}  // namespace pgedge
