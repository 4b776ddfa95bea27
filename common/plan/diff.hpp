#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/plan/plan.hpp"

namespace pgedge {

/// One difference between two wants, in words. Secrets are not in it: they show as "(secret)".
struct Difference {
    std::string path;                          ///< "max_connections", "users[admin].roles", "hba"
    std::optional<std::string> before, after;  ///< absent: not there
    bool in_list = false;                      ///< a member that a list gains or loses
    bool operator==(const Difference&) const = default;

    /// "max_connections 100 -> 500", "work_mem set to 64MB", "work_mem removed (was 64MB)", "users[admin].password
    /// changed", "users gains bob".
    std::string text() const;
};

/// What differs between two JSON values, in the order of the names. Lists of objects are matched by username, name or
/// id; of lists of plain values the ones that came and went are told.
std::vector<Difference> differences(const Json& before, const Json& after);

/// What an update from `now` to `wanted` changes: host, want without the attributes that are read once, needs.
std::vector<Difference> differences(const Resource& now, const Resource& wanted);

/// The changes in one line: the first `at_most`, then how many more there are.
std::string in_words(const std::vector<Difference>& changes, std::size_t at_most = 4);

}  // namespace pgedge
