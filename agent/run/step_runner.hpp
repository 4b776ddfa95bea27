#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/resources/resource_kind.hpp"
#include "agent/run/task_log.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/secrets.hpp"
#include "agent/store/tables/step_queue.hpp"

namespace pgedge {

/// The kinds of resources that an agent can handle, by their names. Filled once, then read by many threads.
using ResourceKinds = std::map<std::string_view, ResourceKind*>;

/// How often a transient error is met with another try.
struct RetryPolicy {
    int attempts = 6;
    std::chrono::milliseconds first_pause{500};  ///< doubled each time, with jitter
    std::chrono::milliseconds longest_pause{15'000};
    std::chrono::milliseconds at_most{60'000};  ///< from the first try; no new try begins later
};

/// What a task does besides changing resources, on one host: gets its arguments, returns what is to be stored with its
/// end. Can be repeated: after a crash the same host begins it again. Throws Error.
using Work = std::function<std::vector<Statement>(const Json& arguments, StepContext& context)>;
using WorkKinds = std::map<std::string, Work, std::less<>>;

/// How a step ended.
struct StepOutcome {
    std::string error;              ///< empty: it is done
    std::vector<Statement> result;  ///< what it found, to be stored with its end
};

/// Whether this host keeps a server of this instance on this port, e.g. one that an earlier instance of the same id
/// left: its port is free for the new one, whose steps begin with stopping it.
using KeepsServer = std::function<bool(const std::string& instance_id, int port)>;

/// Carries out single steps on this host. Stateless; calls come from many threads at once.
class StepRunner {
public:
    StepRunner(Store& store, const Secrets& secrets, const ResourceKinds& kinds, const StepQueue& queue,
               const Clock& clock, RetryPolicy retry, KeepsServer keeps_server, WorkKinds works = {});
    /// Does what the step says and writes about it. Never throws. When `stop` is requested it ends soon, with an error.
    StepOutcome run(const ClaimedStep& step, StepLog& log, const std::stop_token& stop) const;

private:
    StepOutcome change(const ClaimedStep& step, StepLog& log, const Limit& limit) const;
    StepOutcome look(const ClaimedStep& step, StepLog& log, const Limit& limit) const;
    std::pair<Observed, std::string> look_at(const ClaimedStep& step, const Resource& resource,
                                             std::set<std::string>& troubled, StepLog& log, const Limit& limit) const;
    StepOutcome work(const ClaimedStep& step, StepLog& log, const Limit& limit) const;
    StepOutcome check_ports(const ClaimedStep& step, const Limit& limit) const;
    StepContext context(const ClaimedStep& step, const Resource& resource, StepLog& log, const Limit& limit) const;
    ResourceKind& kind_of(const Resource& resource) const;
    void with_retries(const Resource& resource, StepLog& log, const Limit& limit,
                      const std::function<void()>& attempt) const;

    Store& store_;
    const Secrets& secrets_;
    const ResourceKinds& kinds_;
    const StepQueue& queue_;
    const Clock& clock_;
    RetryPolicy retry_;
    KeepsServer keeps_server_;
    WorkKinds works_;
};

}  // namespace pgedge
