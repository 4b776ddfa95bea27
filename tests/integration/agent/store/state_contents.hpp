#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pgedge {

/// All that a member's state.db holds, as of one moment; read from outside of the agent.
struct StateContents {
    std::int64_t applied = 0;
    std::map<std::string, std::vector<std::string>> tables;  ///< rows with their numbers, as text

    explicit StateContents(const std::filesystem::path& file);
    /// A sentence for each table that differs.
    std::vector<std::string> differences(const StateContents& other) const;
};

}  // namespace pgedge
