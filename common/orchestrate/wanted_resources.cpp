#include "common/orchestrate/wanted_resources.hpp"

#include <set>

#include "common/base/error.hpp"
#include "common/orchestrate/postgres_settings.hpp"

namespace pgedge {
namespace {

Json secret_json(const SecretValue& value) {
    if (value.given())
        throw Error(ErrorKind::internal, "a secret reached the planner before it was put into the store");
    if (!value.stored()) return nullptr;
    return {{"secret", value.stored()->name}, {"fingerprint", value.stored()->fingerprint}};
}

Json users_json(const std::vector<UserSpec>& users) {
    Json list = Json::array();
    for (const auto& user : users)
        list.push_back({{"username", user.username},
                        {"password", secret_json(user.password)},
                        {"attributes", user.attributes},
                        {"roles", user.roles}});
    return list;
}

/// Builds the list; one instance per database.
class Resources {
public:
    Resources(const Database& wanted, const std::vector<WantedNode>& nodes) : wanted_(wanted), nodes_(nodes) {}

    std::vector<Resource> all() {
        for (const auto& node : nodes_) add_primary(node);
        for (const auto& node : nodes_)
            for (const auto& replica : node.replicas) add_replica(node, replica);
        for (const auto& provider : nodes_)
            for (const auto& subscriber : nodes_)
                if (provider.name != subscriber.name) add_link(provider, subscriber);
        return std::move(resources_);
    }

private:
    void add(ResourceId id, const std::string& host_id, std::vector<ResourceId> needs, Json want,
             std::vector<std::string> once = {}) {
        resources_.push_back({std::move(id), host_id, std::move(needs), std::move(want), std::move(once)});
    }

    void add_directory(const WantedInstance& instance) {
        add({"filesystem.dir", instance.id}, instance.host_id, {}, {{"instance_id", instance.id}});
        add({"common.postgres_certs", instance.id}, instance.host_id, {{"filesystem.dir", instance.id}},
            {{"instance_id", instance.id}, {"addresses", instance.addresses}, {"database_id", wanted_.id}});
    }

    Settings settings_of(const WantedNode& node, const WantedInstance& instance) const {
        return postgres_settings({.memory_bytes = instance.memory_bytes,
                                  .millicpus = instance.millicpus,
                                  .nodes = static_cast<int>(nodes_.size()),
                                  .ordinal = node.ordinal,
                                  .major = instance.version.major(),
                                  .dialect = wanted_.dialect,
                                  .listen_addresses = instance.listen_addresses,
                                  .port = instance.address.port},
                                 node.tunables.postgresql_conf);
    }

    void add_server(const WantedNode& node, const WantedInstance& instance, const Json& primary) {
        Settings settings = settings_of(node, instance);
        if (!primary.is_null()) raise_to_primary(settings, settings_of(node, node.primary));
        add({"process.postgres_config", instance.id}, instance.host_id, {{"process.data_directory", instance.id}},
            {{"instance_id", instance.id},
             {"database_id", wanted_.id},
             {"bin_dir", instance.version.bin_dir},
             {"address", instance.address.address},
             {"port", instance.address.port},
             {"published", instance.published},
             {"settings", settings},
             {"hba", node.tunables.pg_hba_conf},
             {"ident", node.tunables.pg_ident_conf},
             {"peers", peers_of(instance)},
             {"dialect", wanted_.dialect},
             {"major", instance.version.major()},
             {"primary", primary}});
        add({"process.postgres", instance.id}, instance.host_id, {{"process.postgres_config", instance.id}},
            {{"instance_id", instance.id},
             {"bin_dir", instance.version.bin_dir},
             {"address", instance.address.address},
             {"port", instance.address.port},
             {"restart_settings", restart_settings(settings, instance.version.major())}});
    }

    void add_data_directory(const WantedInstance& instance, std::vector<ResourceId> needs, const Json& more) {
        Json want{
            {"instance_id", instance.id}, {"major", instance.version.major()}, {"bin_dir", instance.version.bin_dir}};
        want.update(more);
        needs.insert(needs.begin(), {"common.postgres_certs", instance.id});
        add({"process.data_directory", instance.id}, instance.host_id, std::move(needs), std::move(want),
            {"bin_dir", "role", "primary"});
    }

    void add_primary(const WantedNode& node) {
        const WantedInstance& primary = node.primary;
        add_directory(primary);
        add_data_directory(primary, {}, {{"role", "primary"}});
        add_server(node, primary, nullptr);
        add({"database.instance", primary.id}, primary.host_id, {{"process.postgres", primary.id}},
            {{"instance_id", primary.id},
             {"role", "primary"},
             {"users", users_json(wanted_.spec.database_users)},
             {"post_init", wanted_.spec.scripts.post_init}},
            {"post_init"});

        Json owner = nullptr;
        for (const auto& user : wanted_.spec.database_users)
            if (user.db_owner) owner = user.username;
        add({"database.postgres_database", node.name}, primary.host_id, {{"database.instance", primary.id}},
            {{"instance_id", primary.id},
             {"database_name", wanted_.spec.database_name},
             {"node", node.name},
             {"ordinal", node.ordinal},
             {"nodes", nodes_.size()},
             {"dialect", wanted_.dialect},
             {"dsn", own_dsn(wanted_.spec.database_name)},
             {"owner", owner},
             {"users", user_names()},
             {"post_database_create", wanted_.spec.scripts.post_database_create}},
            {"post_database_create"});
    }

    Json user_names() const {
        Json names = Json::array();
        for (const auto& user : wanted_.spec.database_users) names.push_back(user.username);
        return names;
    }

    void add_replica(const WantedNode& node, const WantedInstance& replica) {
        const std::string slot = physical_slot_name(replica.id);
        const Json primary{{"instance_id", node.primary.id},
                           {"address", node.primary.address.address},
                           {"port", node.primary.address.port},
                           {"slot", slot}};
        add({"database.physical_slot", replica.id}, node.primary.host_id, {{"process.postgres", node.primary.id}},
            {{"primary", node.primary.id}, {"slot", slot}});
        add_directory(replica);
        add_data_directory(replica, {{"database.physical_slot", replica.id}, {"database.instance", node.primary.id}},
                           {{"role", "replica"}, {"primary", primary}});
        add_server(node, replica, primary);
        add({"database.instance", replica.id}, replica.host_id, {{"process.postgres", replica.id}},
            {{"instance_id", replica.id}, {"role", "replica"}, {"users", user_names()}});
    }

    void add_link(const WantedNode& provider, const WantedNode& subscriber) {
        const std::string& database = wanted_.spec.database_name;
        const std::string subscription = subscription_name(provider.name, subscriber.name);
        const ResourceId slot{
            "database.replication_slot",
            replication_slot_resource_name(wanted_.dialect, database, provider.name, subscriber.name)};
        add(slot, provider.primary.host_id, {{"database.postgres_database", provider.name}},
            {{"instance_id", provider.primary.id},
             {"database_name", database},
             {"dialect", wanted_.dialect},
             {"provider", provider.name},
             {"subscriber", subscriber.name},
             {"subscription", subscription}});
        std::vector<ServerAddress> addresses{provider.primary.address};
        for (const auto& replica : provider.replicas) addresses.push_back(replica.address);
        add({"database.subscription", subscription}, subscriber.primary.host_id,
            {slot, {"database.postgres_database", subscriber.name}, {"database.postgres_database", provider.name}},
            {{"instance_id", subscriber.primary.id},
             {"database_name", database},
             {"dialect", wanted_.dialect},
             {"provider", provider.name},
             {"subscriber", subscriber.name},
             {"provider_dsn", provider_dsn(addresses, database)},
             {"enabled", true}});
    }

    /// Addresses that the other instances of the database may connect from.
    std::set<std::string> peers_of(const WantedInstance& instance) const {
        std::set<std::string> peers;
        const auto add_unless_self = [&](const WantedInstance& other) {
            if (other.id != instance.id) peers.insert(other.addresses.begin(), other.addresses.end());
        };
        for (const auto& node : nodes_) {
            add_unless_self(node.primary);
            for (const auto& replica : node.replicas) add_unless_self(replica);
        }
        return peers;
    }

    const Database& wanted_;
    const std::vector<WantedNode>& nodes_;
    std::vector<Resource> resources_;
};

}  // namespace

std::vector<Resource> wanted_resources(const Database& wanted, const std::vector<WantedNode>& nodes) {
    return Resources(wanted, nodes).all();
}

const std::vector<std::string>& instance_kinds() {
    static const std::vector<std::string> kinds{"filesystem.dir",         "common.postgres_certs",
                                                "process.data_directory", "process.postgres_config",
                                                "process.postgres",       "database.instance"};
    return kinds;
}

}  // namespace pgedge
