#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "agent/store/store.hpp"

namespace pgedge {

/// The level of the cluster's data: the newest step of the schema that was applied. It is raised, step by step, when
/// the programs of all hosts can read the next one, and never lowered. 0: the store is being made.
std::int64_t cluster_level(Store& store, Freshness freshness, const Limit& limit);

/// How far the level may be raised: the lowest level among the programs of all hosts, and not above `own`. A host that
/// tells none has a program of level 1. Without hosts, as when a cluster is made, it is `own`. `read`: runs a query.
std::int64_t common_level(const std::function<Rows(const Statement&)>& read, std::int64_t own);

/// Lets this program work on the cluster's data once their level is one that it works with: not before all hosts have
/// been upgraded to it, and not when the program is older than the data. Safe from any thread.
class LevelGate {
public:
    explicit LevelGate(Store& store) : store_(store) {}
    /// Throws Error{conflict} with the hosts that hold it up.
    void check(const Limit& limit);
    /// The same by this host's copy of the store alone, which costs nothing and may lag.
    bool is_open(const Limit& limit);

private:
    Store& store_;
    std::atomic<bool> open_{false};
};

}  // namespace pgedge
