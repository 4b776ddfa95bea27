#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "cli/reach/endpoint.hpp"

namespace pgedge {

/// The user's named clusters: $XDG_CONFIG_HOME/pgedgectl/config.yaml, mode 0600.
struct Contexts {
    std::string current;  ///< empty: none is chosen
    std::map<std::string, Target> all;

    /// Throws UsageError naming the nearest one when there is no such context.
    const Target& at(const std::string& name) const;
};

/// No file means no contexts. Throws Error{invalid_input} with file and line when it is not what we write.
Contexts load_contexts(const std::filesystem::path& file);
void save_contexts(const std::filesystem::path& file, const Contexts& contexts);
/// Throws UsageError unless `name` is 1 to 63 letters, digits, '.', '_' or '-'.
void check_context_name(const std::string& name);

}  // namespace pgedge
