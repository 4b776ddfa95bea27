#include "common/orchestrate/wanted_resources.hpp"

#include <set>

#include "common/orchestrate/backup_settings.hpp"
#include "common/orchestrate/postgres_settings.hpp"

namespace pgedge {
namespace {

Json users_json(const std::vector<UserSpec>& users) {
    Json list = Json::array();
    for (const auto& user : users)
        list.push_back({{"username", user.username},
                        {"password", secret_reference(user.password)},
                        {"attributes", user.attributes},
                        {"roles", user.roles}});
    return list;
}

/// With all that is left out filled in: an agent need not know which defaults this program has.
Json ha_json(const HaSpec& ha) {
    return {{"mode", ha.mode.empty() ? "async" : ha.mode},
            {"sync_replicas", ha.sync_replicas.value_or(1)},
            {"max_lag_bytes", ha.max_lag_bytes.value_or(kMaxLagBytes)},
            {"lease_ttl_ms", ha.lease_ttl ? parse_lease_ttl(*ha.lease_ttl).count() : kLeaseTtl.count()},
            {"strict", ha.strict}};
}

/// Builds the list; one instance per database.
class Resources {
public:
    Resources(const Database& wanted, const std::vector<WantedNode>& nodes) : wanted_(wanted), nodes_(nodes) {}

    std::vector<Resource> all() {
        for (const auto& node : nodes_) {
            add_instance(node, node.primary);
            add_database(node);
            add_high_availability(node);
            if (node.tunables.backup_config) add_stanza(node);
            if (!node.source.empty()) add_data(node);
        }
        for (const auto& node : nodes_) add_replicas(node);
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

    /// On whichever instance is the node's primary.
    void add_on_primary(ResourceId id, const WantedNode& node, std::vector<ResourceId> needs, Json want,
                        std::vector<std::string> once = {}) {
        add(std::move(id), node.primary.host_id, std::move(needs), std::move(want), std::move(once));
        resources_.back().node = node.name;
        resources_.back().instance_id = node.primary.id;
    }

    void add_directory(const WantedInstance& instance) {
        add({"filesystem.dir", instance.id}, instance.host_id, {}, {{"instance_id", instance.id}});
        add({"common.postgres_certs", instance.id}, instance.host_id, {{"filesystem.dir", instance.id}},
            {{"instance_id", instance.id}, {"addresses", instance.addresses}, {"database_id", wanted_.id}});
    }

    Settings own_settings(const WantedNode& node, const WantedInstance& instance) const {
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

    /// Of those that bind a standby to its primary each instance has the greatest of all: any may be either.
    Settings settings_of(const WantedNode& node, const WantedInstance& instance) const {
        Settings settings = own_settings(node, instance);
        for (const auto* other : node.all()) raise_to_other(settings, own_settings(node, *other));
        return settings;
    }

    static Json siblings_of(const WantedNode& node, const WantedInstance& instance) {
        Json siblings = Json::array();
        for (const auto* other : node.all())
            if (other->id != instance.id)
                siblings.push_back(
                    {{"instance_id", other->id}, {"address", other->address.address}, {"port", other->address.port}});
        return siblings;
    }

    /// Archive_mode is on in any case (add_fixed()): whether there is an archive is a reload.
    ResourceId add_backup_configuration(const WantedNode& node, const WantedInstance& instance) {
        auto settings = backup_settings(*node.tunables.backup_config, wanted_.id, node.name);
        ResourceId id{"common.pgbackrest_config", instance.id};
        add(id, instance.host_id, {{"filesystem.dir", instance.id}},
            {{"instance_id", instance.id},
             {"port", instance.address.port},
             {"options", std::move(settings.options)},
             {"secrets", std::move(settings.secrets)}});
        return id;
    }

    /// Made, and looked at whenever repositories change, by the primary: only that archives.
    void add_stanza(const WantedNode& node) {
        auto settings = backup_settings(*node.tunables.backup_config, wanted_.id, node.name);
        add_on_primary(
            {"common.pgbackrest_stanza", node.name}, node, {{"database.instance", node.primary.id}},
            {{"node", node.name}, {"options", std::move(settings.options)}, {"secrets", std::move(settings.secrets)}},
            {"restored"});
    }

    void add_server(const WantedNode& node, const WantedInstance& instance) {
        const Settings settings = settings_of(node, instance);
        std::vector<ResourceId> needs{{"instance.data", instance.id}};
        if (node.tunables.backup_config) needs.push_back(add_backup_configuration(node, instance));
        add({"instance.config", instance.id}, instance.host_id, std::move(needs),
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
             {"siblings", siblings_of(node, instance)},
             {"slot", node.replicas.empty() ? Json(nullptr) : Json(physical_slot_name(instance.id))}});
        if (node.tunables.backup_config) resources_.back().want["archive"] = "pgbackrest";
        add({"instance.server", instance.id}, instance.host_id, {{"instance.config", instance.id}},
            {{"instance_id", instance.id},
             {"bin_dir", instance.version.bin_dir},
             {"address", instance.address.address},
             {"port", instance.address.port},
             {"restart_settings", restart_settings(settings, instance.version.major())}});
        if (instance.in_container) resources_.back().want["container"] = container_options(node.tunables);
    }

    /// What the agent gives to the container of a server (agent/runtime: ContainerOptions).
    static Json container_options(const TunableSpec& tunables) {
        Json options = Json::object();
        if (tunables.cpus) options["millicpus"] = parse_millicpus(*tunables.cpus);
        if (tunables.memory) options["memory_bytes"] = parse_bytes(*tunables.memory);
        if (!tunables.orchestrator_opts) return options;
        if (const auto& labels = tunables.orchestrator_opts->extra_labels; !labels.empty()) options["labels"] = labels;
        for (const auto& volume : tunables.orchestrator_opts->extra_volumes)
            options["volumes"].push_back(Json::array({volume.host_path, volume.destination_path}));
        return options;
    }

    /// All instances of a node are the same but for how their data come into being, which is said once.
    void add_instance(const WantedNode& node, const WantedInstance& instance) {
        add_directory(instance);
        const bool copy = instance.id != node.primary.id;
        std::vector<ResourceId> needs{{"common.postgres_certs", instance.id}};
        if (copy)
            for (auto& need : needs_of_copy(instance.id, node.primary.id)) needs.push_back(std::move(need));
        add({"instance.data", instance.id}, instance.host_id, std::move(needs),
            {{"instance_id", instance.id},
             {"node", node.name},
             {"major", instance.version.major()},
             {"bin_dir", instance.version.bin_dir},
             {"make", copy ? "copy" : "initdb"},
             {"slot", physical_slot_name(instance.id)},
             {"origin", node.origin}},
            {"bin_dir", "make", "slot", "origin", "restore"});
        add_server(node, instance);
        add({"database.instance", instance.id}, instance.host_id, {{"instance.server", instance.id}},
            {{"instance_id", instance.id},
             {"users", users_json(wanted_.spec.database_users)},
             {"post_init", wanted_.spec.scripts.post_init}},
            {"post_init"});
    }

    void add_database(const WantedNode& node) {
        Json owner = nullptr;
        for (const auto& user : wanted_.spec.database_users)
            if (user.db_owner) owner = user.username;
        add_on_primary({"database.postgres_database", node.name}, node, {{"database.instance", node.primary.id}},
                       {{"database_name", wanted_.spec.database_name},
                        {"node", node.name},
                        {"ordinal", node.ordinal},
                        {"nodes", nodes_.size()},
                        {"dialect", wanted_.dialect},
                        {"dsn", own_dsn(wanted_.spec.database_name)},
                        {"owner", owner},
                        {"users", user_names()},
                        {"post_database_create", post_database_create(node)}},
                       {"post_database_create"});
    }

    /// The agents of the node's instances read it as it is stored.
    void add_high_availability(const WantedNode& node) {
        if (!node.tunables.ha || node.replicas.empty()) return;
        add_on_primary({"database.high_availability", node.name}, node, {{"database.postgres_database", node.name}},
                       ha_json(*node.tunables.ha));
    }

    /// What the script made comes with everything else that the source has.
    std::vector<std::string> post_database_create(const WantedNode& node) const {
        return node.source.empty() ? wanted_.spec.scripts.post_database_create : std::vector<std::string>();
    }

    /// Tables and rows, roles, sequences and replication sets of another node. All but the names is read when they
    /// come.
    void add_data(const WantedNode& node) {
        Json nodes = Json::array();
        for (const auto& other : nodes_) {
            if (other.arrives) continue;
            Json addresses = Json::array();
            std::vector<ServerAddress> servers;
            for (const auto* instance : other.all()) {
                addresses.push_back({{"address", instance->address.address}, {"port", instance->address.port}});
                servers.push_back(instance->address);
            }
            nodes.push_back({{"name", other.name},
                             {"addresses", addresses},
                             {"dsn", provider_dsn(servers, wanted_.spec.database_name)}});
        }
        add_on_primary({"database.node_data", node.name}, node, {{"database.postgres_database", node.name}},
                       {{"database_name", wanted_.spec.database_name},
                        {"dialect", wanted_.dialect},
                        {"node", node.name},
                        {"source", node.source},
                        {"nodes", nodes}},
                       {"source", "nodes"});
    }

    Json user_names() const {
        Json names = Json::array();
        for (const auto& user : wanted_.spec.database_users) names.push_back(user.username);
        return names;
    }

    /// Each instance has a slot on the others' primary; for the primary itself that is none, until it is one no longer.
    void add_replicas(const WantedNode& node) {
        if (node.replicas.empty()) return;
        for (const auto* instance : node.all())
            add_on_primary({"database.physical_slot", instance->id}, node, {{"database.instance", node.primary.id}},
                           {{"slot", physical_slot_name(instance->id)}});
        for (const auto& replica : node.replicas) add_instance(node, replica);
    }

    void add_link(const WantedNode& provider, const WantedNode& subscriber) {
        const std::string& database = wanted_.spec.database_name;
        const std::string subscription = subscription_name(provider.name, subscriber.name);
        const ResourceId slot{
            "database.replication_slot",
            replication_slot_resource_name(wanted_.dialect, database, provider.name, subscriber.name)};
        Json want{{"database_name", database},
                  {"dialect", wanted_.dialect},
                  {"provider", provider.name},
                  {"subscriber", subscriber.name},
                  {"subscription", subscription}};
        if (!subscriber.replicas.empty()) want["subscriber_has_replicas"] = true;
        add_on_primary(slot, provider, {{"database.postgres_database", provider.name}}, std::move(want));
        std::vector<ServerAddress> addresses;
        for (const auto* instance : provider.all()) addresses.push_back(instance->address);
        add_on_primary(
            {"database.subscription", subscription}, subscriber,
            {slot, {"database.postgres_database", subscriber.name}, {"database.postgres_database", provider.name}},
            {{"database_name", database},
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
    static const std::vector<std::string> kinds{"filesystem.dir",  "common.postgres_certs", "instance.data",
                                                "instance.config", "instance.server",       "database.instance"};
    return kinds;
}

}  // namespace pgedge
