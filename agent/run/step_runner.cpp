#include "agent/run/step_runner.hpp"

#include <fmt/format.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// A backstop: what a kind waits for has its own, shorter limits; only a copy of very much data takes so long.
constexpr std::chrono::hours kStepLimit{24};

}  // namespace

StepOutcome StepRunner::run(const ClaimedStep& step, StepLog& log, const std::stop_token& stop) const {
    const auto& row = step.row;
    try {
        if (!row.unreadable.empty())
            throw Error(ErrorKind::failed,
                        fmt::format("the agent of {} cannot read step {}: {}", row.host_id, row.id, row.unreadable),
                        "all agents of a cluster need the same version");
        const auto* kind = works_.find(row.work.kind);
        if (!kind)
            throw Error(ErrorKind::failed,
                        fmt::format("the agent of {} does not know how to {}", row.host_id, row.work.kind),
                        "all agents of a cluster need the same version");
        return kind->run({step, log, secrets_, Limit(kStepLimit, stop)});
    } catch (const Error& error) {
        return {stop.stop_requested() ? std::string(kCanceledError) : error.text_and_hint(), {}};
    } catch (const std::exception& error) {
        // Not our own error: its text is for operators, and may be anything.
        return {fmt::format("internal error in step {} on {}: {}", row.id, row.host_id, error.what()), {}};
    }
}

}  // namespace pgedge
