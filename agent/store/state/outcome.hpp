#pragma once

#include <string>

#include "agent/store/store.hpp"

namespace pgedge {

/// How a transaction ended: with a result (committed, or refused by a guard), or with SQLite's refusal. The same on
/// every host.
struct Outcome {
    CommitResult result{};
    std::string failure{};  ///< SQLite's message; empty: `result` counts
};

}  // namespace pgedge
