#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/api/postgres_ha/call.hpp"
#include "agent/ha/ha_table.hpp"

namespace pgedge {

/// One call that changes what instances of a node are: what was seen, the steps that follow from it, and the way to
/// carry them out. Checks throw failures; nothing is done before run().
class PgNodeChange {
public:
    /// Asks all instances of the call's node what they are.
    explicit PgNodeChange(const PgCall& call);

    const std::vector<SeenInstance>& seen() const { return seen_; }
    const SeenInstance& own() const;  ///< of the called host; throws the failure "no instance"
    const SeenInstance* primary() const;
    std::vector<const SeenInstance*> standbys() const;  ///< that run
    bool is_last_primary(const SeenInstance& instance) const;
    /// The called host's, if it is one of them, else the one with the most of the log; nullptr: none.
    const SeenInstance* best_standby() const;

    /// Throws the failure "peer unreachable" when nobody knows what an instance is but, if given, `that_one`.
    void check_all_known(const SeenInstance* that_one = nullptr) const;
    /// Throws the failure "invalid lsn" when what the stopped instance has cannot go on from the primary.
    void check_can_follow(const SeenInstance& instance) const;
    /// Throws the failure "behind" when it lacks more than what an automatic failover may lose.
    void check_lag(const SeenInstance& candidate) const;
    /// Throws the failure "operation not supported" when instances of this node never change their roles.
    void check_roles_can_change() const;

    void stop(const SeenInstance& instance);
    void start(const SeenInstance& instance);
    void promote(const SeenInstance& instance);
    void switch_to(const SeenInstance& instance);

    /// Carries the steps out, one after the other, as one task, and answers with the states of all instances, once they
    /// are what was asked for. Without steps it only answers.
    HttpResponse run(const std::string& type);

private:
    void add(std::string_view kind, const SeenInstance& instance);
    void wait_for(const std::string& task_id, const Limit& limit) const;
    bool settled(const std::vector<SeenInstance>& now) const;
    HttpResponse answer(const std::vector<SeenInstance>& now) const;

    const PgCall& call_;
    const std::shared_ptr<const PostgresHaServices> services_;
    const DatabaseNode node_;
    const std::vector<SeenInstance> seen_;
    const HaNode known_;
    std::vector<HostWork> steps_;
    std::set<std::string> touched_;  ///< ids of instances that are to run afterwards, or not, as the store says
};

}  // namespace pgedge
