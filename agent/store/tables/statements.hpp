#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agent/store/store.hpp"

namespace pgedge {

/// Puts them behind those that are there.
inline void append(std::vector<Statement>& to, std::vector<Statement> more) {
    for (auto& statement : more) to.push_back(std::move(statement));
}

/// A statement whose parameter ?1 is the task; `more` are ?2 and what follows.
inline Statement about_task(const std::string& task_id, std::string sql, std::vector<SqlValue> more = {}) {
    more.insert(more.begin(), task_id);
    return {std::move(sql), std::move(more), {}};
}

}  // namespace pgedge
