#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/store/store.hpp"
#include "common/base/clock.hpp"
#include "common/model/lsn.hpp"
#include "common/model/task.hpp"

namespace pgedge {

/// What somebody asked for on a node: that another instance becomes its primary. At most one per node; it goes when its
/// task ends.
struct HaRequest {
    enum class State {
        waiting = 0,  ///< for its time, or for somebody to begin; it can be canceled
        begun = 1,    ///< the primary is being stopped
        given = 2,    ///< the primary has ended, and has given the lease back for the candidate
    };
    std::string task_id;
    bool failover = false;  ///< else a switchover: nothing may be lost
    bool forced = false;    ///< a failover whatever may be lost
    std::string candidate;  ///< instance id; empty until one is chosen
    std::optional<WallTime> due;
    State state = State::waiting;
    std::int64_t term = 0;  ///< given: of the lease that was given back
    Lsn end;                ///< given: where the primary stopped

    bool is_due(WallTime now) const { return !due || now >= *due; }
};

/// A switchover that nobody began so long after its time has been missed: people have gone home.
inline constexpr std::chrono::seconds kMissedAfter{60};

/// Requests in the store. All return statements.
class HaRequests {
public:
    /// Refused (guard) while the node has another request. Inserts the task as well.
    static std::vector<Statement> insert(const Task& task, const HaRequest& request);
    /// Its task runs. Refused (guard) when it is not waiting any more.
    static std::vector<Statement> begin(const HaRequest& request, const std::string& about, WallTime now);
    /// For a transaction that gives the lease back. Refused (guard) unless it has begun.
    static std::vector<Statement> give(const HaRequest& request);
    /// With its task. Refused (guard) when it is not there any more.
    static std::vector<Statement> end(const std::string& task_id, TaskStatus status, const std::string& about,
                                      WallTime now);
    /// The same for one that waits.
    static std::vector<Statement> cancel(const std::string& task_id, WallTime now);
    static Statement log(const std::string& task_id, const std::string& message, WallTime now,
                         Json fields = Json::object());
};

}  // namespace pgedge
