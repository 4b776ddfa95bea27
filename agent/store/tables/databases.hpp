#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/store/store.hpp"
#include "agent/store/tables/host_liveness.hpp"
#include "common/model/database.hpp"
#include "common/model/instance.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {

/// Databases with their instances and resources in the store. Functions that change return statements, so that callers
/// put what belongs together into one transaction. Safe from any thread.
class Databases {
public:
    /// `liveness` knows for how long no status of an instance has come (Instance::quiet_for).
    explicit Databases(Store& store, HostLiveness* liveness = nullptr) : store_(store), liveness_(liveness) {}

    std::optional<Database> find(const std::string& id, const Limit& limit) const;
    std::vector<Database> list(const Limit& limit) const;  ///< all, each with an empty spec

    static Statement insert(const Database& database);  ///< refused when the id is taken
    /// Compare and set: only if the row still has `expected_revision`; writes database.revision as the new one.
    static Statement update(const Database& database, std::int64_t expected_revision);
    static Statement erase(const std::string& id);

    std::vector<Instance> instances(const std::string& database_id, const Limit& limit) const;  ///< with status
    std::vector<Instance> all_instances(const Limit& limit) const;
    std::vector<Instance> instances_on(const std::string& host_id, const Limit& limit) const;
    /// Without status; of one that is there, `stopped` stays as it is. Refused (guard) when another instance has its
    /// listen_port on its host.
    static Statement upsert_instance(const Instance& instance);
    static Statement set_instance_state(const std::string& id, InstanceState state, const std::string& error,
                                        WallTime now);
    /// Whether a user wants it to be down. What was planned before is stale. Refused (guard) when it is no more, or is
    /// being taken away.
    static std::vector<Statement> set_stopped(const std::string& id, bool stopped, WallTime now);
    static Statement erase_instance(const std::string& id);
    static Statement set_instance_status(const std::string& id, const InstanceStatus& status);

    /// What is on the primary of a node is where that is now.
    Known resources(const std::string& database_id, const Limit& limit) const;
    /// Writes what the record of a resource that could not be read must have said. It still counts as failed: what is
    /// really there is made as wanted.
    static Statement restore_resource(const std::string& database_id, const Resource& resource);
    static Statement upsert_resource(const std::string& database_id, const KnownResource& resource);
    static Statement erase_resource(const std::string& database_id, const ResourceId& id);

private:
    Store& store_;
    HostLiveness* liveness_;
};

}  // namespace pgedge
