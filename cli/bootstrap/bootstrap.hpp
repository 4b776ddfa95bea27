#pragma once

#include <functional>

#include "cli/bootstrap/bootstrap_plan.hpp"
#include "cli/session.hpp"

namespace pgedge {

/// Makes the hosts of a document a cluster, over SSH. All that is done can be cut off anywhere and repeated: what is
/// missing is found by looking at the hosts.
class Bootstrap {
public:
    Bootstrap(Session& session, ClusterDocument cluster, Programs programs)
        : session_(session), cluster_(std::move(cluster)), programs_(std::move(programs)) {}

    /// Logs in on all hosts and looks at them, at most kAtOnce at a time. Throws one Error with what each host said
    /// that cannot be reached.
    BootstrapPlan plan(const Limit& limit);
    /// Throws one Error that names the hosts which failed; the others are done.
    void carry_out(const BootstrapPlan& plan, const Limit& limit);
    /// The cluster when all its hosts are healthy. Throws Error{timed_out} with those that are not.
    ClusterAnswer verify(const Limit& limit);

    static constexpr std::size_t kAtOnce = 8;
    std::string endpoint(const ClusterHostSpec& host) const;

private:
    std::string cluster_of(const ClusterHostSpec& host);
    void init_and_join(const BootstrapPlan& plan);

    Session& session_;
    const ClusterDocument cluster_;
    const Programs programs_;
};

}  // namespace pgedge
