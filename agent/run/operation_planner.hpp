#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/run/operations.hpp"
#include "agent/run/plan_steps.hpp"
#include "agent/run/scheduler.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/hosts.hpp"
#include "common/model/node.hpp"
#include "common/orchestrate/instances.hpp"
#include "common/orchestrate/orchestrator.hpp"

namespace pgedge {

/// What the store knows that a plan depends on, read at about one time.
struct Survey {
    std::map<std::string, Host> hosts;                    ///< those that can be read
    std::map<std::string, std::string> unreadable_hosts;  ///< with the reason
    std::vector<Instance> all_instances;                  ///< of the cluster
    Known known;                                          ///< resources of the database
    NodePrimaries primaries{};                            ///< of its nodes
};

/// An operation, worked out and not begun.
struct DraftOperation {
    std::string type;                                  ///< create, update, delete or restore
    Database database;                                 ///< as it shall be stored, with the versions that were chosen
    std::int64_t base_revision = 0;                    ///< 0: it does not exist
    std::map<std::string, Instance> instances;         ///< that it shall have, by id
    std::vector<Instance> leaving;                     ///< that it has and shall not have
    std::map<std::string, std::string> new_primaries;  ///< by node: to be stored with the operation
    std::vector<Resource> filled_in;                   ///< whose records could not be read: to be stored anew
    Plan plan;
    Preliminaries before;
    std::vector<std::string> warnings;
    std::string digest;
};

/// Works out operations: what a database becomes, and by which steps. Reads the store, changes nothing. Safe from any
/// thread.
class OperationPlanner final : public Replanner {
public:
    /// `random_ports`: where the ports that are drawn come from. `liveness`: as of Databases.
    OperationPlanner(Store& store, const Clock& clock, PortRange random_ports = {}, HostLiveness* liveness = nullptr)
        : store_(store), clock_(clock), random_ports_(random_ports), liveness_(liveness) {}

    Survey survey(const std::string& database_id, const Limit& limit) const;
    /// `wanted` has its secrets sealed; of `stored` spec, tenant and dialect are looked at, nullptr for a create. Pure
    /// but for the interfaces it was made with. Throws Error{invalid_input} with all that is wrong.
    DraftOperation draft(const std::string& type, const Database& wanted, const Database* stored,
                         const UpdateOptions& options, const Survey& survey) const;
    /// Plans once more for what is stored already: spec, instances and their ports.
    Plan plan_again(const OpenTask& task, const Limit& limit) override;

private:
    /// When it is asked for, instances that were never begun may get another port. After a look they keep the one they
    /// were promised, and data that is gone is known to be gone.
    enum class Moment { asked, looked };
    DraftOperation draft(const std::string& type, const Database& wanted, const Database* stored,
                         const UpdateOptions& options, const Survey& survey, Moment moment) const;

    std::vector<Resource> wanted_until_now(const Database* stored, const Known& known, Surroundings around,
                                           const Survey& survey) const;

    Store& store_;
    const Clock& clock_;
    const PortRange random_ports_;
    HostLiveness* liveness_;
};

/// What plan_again() has to know of an operation: goes into the task.
Json work_of(const UpdateOptions& options, const Plan& plan);

}  // namespace pgedge
