#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace pgedge {

/// Who may act, and until when others must wait. Rules R1–R8: see agent/store/tables/leases.hpp.
struct Lease {
    std::string name;                      ///< "scheduler", later "primary/<database>/<node>"
    std::int64_t epoch = 0;                ///< the term: grows with every take
    std::string holder;                    ///< who holds it on that host, e.g. an instance id; empty: released
    std::string host;                      ///< whose beat keeps it alive
    std::string incarnation;               ///< boot id + random id of that host's agent start
    std::chrono::milliseconds hold{4000};  ///< what a contender must wait
    bool operator==(const Lease&) const = default;
};

}  // namespace pgedge
