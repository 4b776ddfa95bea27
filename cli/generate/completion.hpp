#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/cli_command.hpp"

namespace pgedge {

struct Candidate {
    std::string word, what;  ///< `what` may be empty
    bool operator==(const Candidate&) const = default;
};

/// What can stand at the cursor.
struct Completion {
    std::vector<Candidate> candidates;
    bool files = false, directories = false;  ///< paths of this machine, by the shell itself
};

/// Live names for a kind of word, e.g. ids of databases. `arguments`: of the command, that stand before the cursor: the
/// database of which nodes are wanted, and the node of which instances are. May take a while; must not throw.
using NameSource = std::function<std::vector<Candidate>(Completes what, const std::vector<std::string>& arguments)>;

/// Completes the word at `index` (0: the first one behind "pgedgectl") of a line that is still being written.
/// Candidates all begin with what is there of that word.
Completion complete(const CliCommand& root, const std::vector<std::string>& words, std::size_t index,
                    const NameSource& names);

/// As the shells' adaptors read it: "candidate<TAB>description" lines, then ":files", ":directories" or ":none".
std::string to_lines(const Completion& completion);

}  // namespace pgedge
