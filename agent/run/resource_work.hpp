#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "agent/resources/resource_kind.hpp"
#include "agent/run/work_kinds.hpp"
#include "agent/store/tables/databases.hpp"
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

/// What the works on resources share.
class ResourceWork : public WorkKind {
public:
    /// All outlive this.
    struct Parts {
        Store& store;
        const ResourceKinds& kinds;
        const StepQueue& queue;
        const Clock& clock;
        RetryPolicy retry;
    };
    explicit ResourceWork(const Parts& parts) : parts_(parts) {}

protected:
    ResourceKind& kind_of(const Resource& resource) const;
    void with_retries(const WorkCall& call, const Resource& resource, const std::function<void()>& attempt) const;

    const Parts parts_;
};

/// Makes or removes a resource: a step of a plan.
class ChangeResource final : public ResourceWork {
public:
    /// `name`: kMakeResource or kRemoveResource.
    ChangeResource(std::string_view name, const Parts& parts) : ResourceWork(parts), name_(name) {}
    std::string_view name() const override { return name_; }
    std::string doing(const StepRow& row) const override;
    StepOutcome run(const WorkCall& call) const override;

private:
    const std::string_view name_;
};

/// Finds out which resources of a database are on this host as they are known.
class ObserveResources final : public ResourceWork {
public:
    using ResourceWork::ResourceWork;
    std::string_view name() const override { return kObserveResources; }
    std::string doing(const StepRow&) const override { return "refreshing its state"; }
    StepOutcome run(const WorkCall& call) const override;

private:
    std::pair<Observed, std::string> observe(const WorkCall& call, const Resource& resource,
                                             std::set<std::string>& troubled) const;
};

}  // namespace pgedge
