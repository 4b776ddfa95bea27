#pragma once

#include <stop_token>

#include "agent/run/work_kinds.hpp"

namespace pgedge {

/// Carries out single steps on this host. Stateless; calls come from many threads at once.
class StepRunner {
public:
    /// Both outlive this.
    StepRunner(const WorkKinds& works, const Secrets& secrets) : works_(works), secrets_(secrets) {}
    /// Does what the step says and writes about it. Never throws. When `stop` is requested it ends soon, with an error.
    StepOutcome run(const ClaimedStep& step, StepLog& log, const std::stop_token& stop) const;

private:
    const WorkKinds& works_;
    const Secrets& secrets_;
};

}  // namespace pgedge
