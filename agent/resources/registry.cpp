#include "agent/resources/registry.hpp"

#include "agent/resources/data_directory.hpp"
#include "agent/resources/database_instance.hpp"
#include "agent/resources/filesystem_dir.hpp"
#include "agent/resources/high_availability_policy.hpp"
#include "agent/resources/node_data.hpp"
#include "agent/resources/pgbackrest_config.hpp"
#include "agent/resources/pgbackrest_stanza.hpp"
#include "agent/resources/physical_slot.hpp"
#include "agent/resources/postgres_certs.hpp"
#include "agent/resources/postgres_config.hpp"
#include "agent/resources/postgres_database.hpp"
#include "agent/resources/postgres_server.hpp"
#include "agent/resources/replication_slot.hpp"
#include "agent/resources/restored_data.hpp"
#include "agent/resources/subscription.hpp"

namespace pgedge {

ResourceRegistry::ResourceRegistry(const Ground& on) {
    kinds_.push_back(std::make_unique<FilesystemDir>(on.data_dir, on.user, on.owner));
    kinds_.push_back(std::make_unique<PostgresCerts>(on.data_dir, on.user, on.issuer));
    kinds_.push_back(std::make_unique<DataDirectory>(on.data_dir, on.user, on.runtime, on.owner));
    kinds_.push_back(std::make_unique<RestoredData>(on.data_dir, on.user, on.runtime));
    kinds_.push_back(std::make_unique<PgBackRestConfig>(on.data_dir, on.user));
    kinds_.push_back(std::make_unique<PgBackRestStanza>(on.runtime));
    kinds_.push_back(std::make_unique<PostgresConfig>(on.data_dir, on.user, on.runtime));
    kinds_.push_back(std::make_unique<PostgresServer>(on.data_dir, on.user, on.runtime, on.owner));
    kinds_.push_back(std::make_unique<PhysicalSlot>(on.runtime));
    kinds_.push_back(std::make_unique<DatabaseInstance>(on.runtime));
    kinds_.push_back(std::make_unique<PostgresDatabase>(on.runtime));
    kinds_.push_back(std::make_unique<NodeData>(on.runtime));
    kinds_.push_back(std::make_unique<ReplicationSlot>(on.runtime));
    kinds_.push_back(std::make_unique<Subscription>(on.runtime));
    kinds_.push_back(std::make_unique<HighAvailabilityPolicy>());
    for (const auto& kind : kinds_) by_name_.emplace(kind->kind(), kind.get());
}

}  // namespace pgedge
