// Walks many updates of databases through the planner, one step after the other, and checks that what each step finds
// is as it needs it: the rules of docs/resources.md, for every combination of changes in one file. PGEDGE_WALKS is the
// number of databases; `tests/run long` takes many.
#include <cstdlib>
#include <random>
#include <set>

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/orchestrate/topology.hpp"
#include "tests/unit/common/orchestrate/small_cluster.hpp"

using namespace pgedge;

namespace {

unsigned walks() {
    const char* text = std::getenv("PGEDGE_WALKS");
    const unsigned number = text ? static_cast<unsigned>(std::atoi(text)) : 8;
    REQUIRE(number > 0);
    return number;
}

constexpr int kUpdates = 4;  ///< of each database, one after the other

const ResourceId kNone;

const Resource* find(const Known& known, const ResourceId& id) {
    const auto it = known.find(id);
    return it == known.end() ? nullptr : &it->second.resource;
}

std::string text_of(const Json& want, const std::string& name) { return want.value(name, std::string()); }

/// The instance that the resource is in, or belongs to.
std::string server_of(const Resource& resource) { return instance_of(resource); }

bool is_inside_server(const Resource& resource) { return resource.id.kind.starts_with("database."); }

int setting(const Known& known, const std::string& instance, const std::string& name, int by_default) {
    const Resource* server = find(known, {"instance.server", instance});
    return server ? std::stoi(server->want["restart_settings"].value(name, std::to_string(by_default))) : by_default;
}

/// What is on the hosts while a plan is carried out.
class Walk {
public:
    explicit Walk(const SmallCluster& cluster) : now_(cluster.known), host_of_(hosts_of(cluster)) {
        for (const auto& [id, known] : now_)
            if (!points_right(known.resource)) off_.insert(id);
    }

    void step(const Step& step) {
        const Resource& resource = step.resource;
        check_host(resource);
        if (step.action == Action::remove) return remove(resource);
        check_server(resource);
        for (const auto& need : resource.needs) CHECK_MESSAGE(find(now_, need), step.id, " lacks ", need.text());
        if (resource.id.kind == "instance.server") check_start(resource);
        if (!step.primary_of.empty())
            for (auto& [id, each] : now_)
                if (each.resource.node == step.primary_of) each.needs_recreate = true;
        now_[resource.id] = {resource, false, {}};
        off_.erase(resource.id);
        if (resource.id.kind == "database.replication_slot") check_slot(resource);
        if (resource.id.kind == "database.subscription") CHECK_MESSAGE(link_points_right(resource), step.id);
        if (resource.id.kind == "instance.server") check_standbys();
    }

    /// After the last step of a state everything that is there finds what it points at; what an update that was broken
    /// off has left pointing elsewhere, when its own turn has come.
    void state_ended() const {
        for (const auto& each : now_)
            if (!off_.contains(each.first)) CHECK_MESSAGE(points_right(each.second.resource), each.first.text());
    }

    const Known& now() const { return now_; }

private:
    static std::map<std::string, std::string> hosts_of(const SmallCluster& cluster) {
        std::map<std::string, std::string> hosts;
        for (const auto& [id, host] : cluster.hosts)
            for (int node = 1; node <= 9; ++node)
                hosts[instance_id(cluster.wanted.id, "n" + std::to_string(node), id)] = id;
        return hosts;
    }

    /// A step runs on the host that keeps its instance.
    void check_host(const Resource& resource) const {
        const auto server = server_of(resource);
        CHECK_MESSAGE(host_of_.at(server) == resource.host_id, resource.id.text(), " of ", server, " on ",
                      resource.host_id);
    }

    /// What is made in a server finds it there. Removals need none: there is nothing to do where it has gone.
    void check_server(const Resource& resource) const {
        const auto server = server_of(resource);
        if (is_inside_server(resource))
            CHECK_MESSAGE(find(now_, {"instance.server", server}), resource.id.text(), ": no server ", server);
    }

    void remove(const Resource& resource) {
        for (const auto& each : now_)
            for (const auto& need : each.second.resource.needs)
                CHECK_MESSAGE(need != resource.id, each.first.text(), " still needs ", need.text());
        now_.erase(resource.id);
    }

    /// A server does not start with fewer slots than it keeps.
    void check_start(const Resource& server) const {
        if (!find(now_, {"database.instance", server.id.name})) return;
        int slots = 0;
        for (const auto& [id, known] : now_)
            if (id.kind.ends_with("_slot") && server_of(known.resource) == server.id.name && id.name != server.id.name)
                ++slots;
        const auto& settings = server.want["restart_settings"];
        CHECK_MESSAGE(std::stoi(settings.value("max_replication_slots", "10")) >= slots, server.id.text(), ": ", slots);
    }

    const Resource& node(const std::string& name) const {
        const Resource* found = find(now_, {"database.postgres_database", name});
        REQUIRE_MESSAGE(found, "no database of node ", name);
        return *found;
    }

    /// The slot is in the server that is its provider now.
    void check_slot(const Resource& slot) const {
        CHECK_MESSAGE(server_of(slot) == server_of(node(text_of(slot.want, "provider"))), slot.id.text());
    }

    bool points_right(const Resource& resource) const {
        if (resource.id.kind == "database.subscription") return link_points_right(resource);
        if (resource.id.kind == "instance.config") return upstream_is_right(resource);
        return true;
    }

    /// The link is in its subscriber's server and finds its provider's.
    bool link_points_right(const Resource& link) const {
        const Resource* subscriber = find(now_, {"database.postgres_database", text_of(link.want, "subscriber")});
        const Resource* provider = find(now_, {"database.postgres_database", text_of(link.want, "provider")});
        if (!subscriber || !provider || server_of(link) != server_of(*subscriber)) return false;
        const Resource* server = find(now_, {"instance.server", server_of(*provider)});
        const auto dsn = text_of(link.want, "provider_dsn");
        return server && dsn.find(text_of(server->want, "address")) != std::string::npos &&
               dsn.find(std::to_string(server->want["port"].get<int>())) != std::string::npos;
    }

    /// The primary of the standby's node; empty: it is that itself, or there is none yet.
    std::string upstream_of(const std::string& instance) const {
        const Resource* data = find(now_, {"instance.data", instance});
        const Resource* database =
            data ? find(now_, {"database.postgres_database", text_of(data->want, "node")}) : nullptr;
        if (!database || server_of(*database) == instance) return {};
        const Resource* theirs = find(now_, {"instance.data", server_of(*database)});
        const bool same = theirs && text_of(theirs->want, "origin") == text_of(data->want, "origin");
        return same ? server_of(*database) : "";
    }

    bool upstream_is_right(const Resource& config) const {
        const auto primary = upstream_of(config.id.name);
        if (primary.empty() || !find(now_, {"database.instance", config.id.name})) return true;
        const Resource* server = find(now_, {"instance.server", primary});
        const Json& siblings = config.want["siblings"];
        return server && std::any_of(siblings.begin(), siblings.end(), [&](const Json& each) {
                   return server->want["port"] == each["port"] && server->want["address"] == each["address"];
               });
    }

    /// No standby that serves has less than its primary of what binds it: its recovery would stop.
    void check_standbys() const {
        for (const auto& each : now_) {
            const ResourceId& id = each.first;
            if (id.kind != "instance.config" || !find(now_, {"database.instance", id.name})) continue;
            const auto primary = upstream_of(id.name);
            if (primary.empty()) continue;
            for (const char* name : {"max_connections", "max_wal_senders", "max_worker_processes"})
                CHECK_MESSAGE(setting(now_, id.name, name, 100) >= setting(now_, primary, name, 100), id.name, " ",
                              name);
        }
    }

    Known now_;
    std::map<std::string, std::string> host_of_;
    std::set<ResourceId> off_;
};

class Updates {
public:
    explicit Updates(unsigned seed) : random_(seed) {
        cluster_.wanted.spec.port.reset();
        for (int i = 5; i <= 6; ++i) {
            Host host = cluster_.hosts["host-1"];
            host.id = "host-" + std::to_string(i);
            host.peer_addresses = host.client_addresses = {"10.0.0." + std::to_string(i)};
            cluster_.hosts[host.id] = host;
        }
        const int nodes = 1 + number(4);
        for (int i = 1; i <= nodes; ++i) cluster_.add_node("n" + std::to_string(i), some_hosts());
    }

    /// Something else is wanted of each part, or not.
    void change() {
        auto& nodes = cluster_.wanted.spec.nodes;
        const auto before = nodes;
        for (auto& node : nodes) {
            change_hosts(node);
            change_settings(node.postgresql_conf);
            if (one_in(4)) node.port = 20000 + number(2) * 1000 + node_ordinal(node.name);
        }
        if (nodes.size() > 1 && one_in(3)) nodes.erase(nodes.begin() + number(static_cast<int>(nodes.size())));
        if (nodes.size() > 2 && one_in(4)) nodes.erase(nodes.begin());
        if (one_in(3)) add_new_node();
        change_settings(cluster_.wanted.spec.postgresql_conf);
        if (one_in(5)) cluster_.wanted.spec.database_users[0].attributes = {"LOGIN"};
        if (one_in(6)) cluster_.hosts["host-2"].peer_addresses = {"10.0.1." + std::to_string(number(3) + 1)};
    }

    /// What a user would be refused is put back.
    void keep_valid() {
        for (auto& node : cluster_.wanted.spec.nodes) {
            const auto problem = [&] {
                return primary_problem(cluster_.wanted, node, cluster_.now(), cluster_.surroundings());
            };
            if (problem().empty()) continue;
            const auto primary = cluster_.host_of(node.name, cluster_.primaries.at(node.name));
            if (std::find(node.host_ids.begin(), node.host_ids.end(), primary) == node.host_ids.end())
                node.host_ids.push_back(primary);
            if (!problem().empty()) node.host_ids = {primary};
        }
        if (const auto around = cluster_.surroundings();
            !arriving_nodes(cluster_.wanted, cluster_.now(), around).empty())
            for (const auto& name : moving_nodes(cluster_.wanted, cluster_.now(), around))
                for (auto& node : cluster_.wanted.spec.nodes)
                    if (node.name == name) node.host_ids = {cluster_.host_of(name, cluster_.primaries.at(name))};
        raise_slots(cluster_.wanted.spec.postgresql_conf);
        for (auto& node : cluster_.wanted.spec.nodes) raise_slots(node.postgresql_conf);
    }

    /// Up to `steps` of the plan are carried out; the rest is broken off.
    void carry_out(std::size_t steps) {
        const Plan plan = cluster_.plan();
        cluster_.begin(plan);
        Walk walk(cluster_);
        std::string state;
        std::size_t done = 0;
        for (const auto& step : plan.steps) {
            const auto number = step.id.substr(0, step.id.find('.'));
            if (!state.empty() && number != state) walk.state_ended();
            state = number;
            if (done++ == steps) break;
            walk.step(step);
            if (!step.primary_of.empty()) cluster_.primaries[step.primary_of] = step.resource.id.name;
        }
        if (steps >= plan.steps.size()) walk.state_ended();
        cluster_.known = walk.now();
        if (steps < plan.steps.size()) {
            // The first step that was not done had been begun.
            const auto& begun = plan.steps[steps];
            auto& known = cluster_.known[begun.resource.id];
            if (known.resource.id == kNone) known.resource = begun.resource;
            known.error = "it was begun and not finished";
        }
        settle();
    }

    void check_end() {
        const auto end = wanted_states(cluster_.wanted, cluster_.now(), cluster_.surroundings()).back();
        const Known now = cluster_.now();
        CHECK(cluster_.known.size() == end.resources.size());
        for (const auto& resource : end.resources) {
            const Resource* known = find(now, resource.id);
            REQUIRE_MESSAGE(known, resource.id.text());
            CHECK(known->host_id == resource.host_id);
        }
        CHECK(cluster_.plan().empty());
    }

    /// Other instances of some nodes become their primaries. No resource changes by that.
    void fail_over() {
        for (const auto& node : cluster_.wanted.spec.nodes) {
            std::vector<std::string> candidates;
            for (const auto& host_id : node.host_ids) {
                const auto id = instance_id(cluster_.wanted.id, node.name, host_id);
                const Resource* data = find(cluster_.known, {"instance.data", id});
                const Resource* primary = find(cluster_.known, {"instance.data", cluster_.primaries[node.name]});
                if (data && primary && text_of(data->want, "origin") == text_of(primary->want, "origin") &&
                    find(cluster_.known, {"database.instance", id}))
                    candidates.push_back(id);
            }
            if (candidates.empty() || one_in(2)) continue;
            cluster_.primaries[node.name] =
                candidates[static_cast<std::size_t>(number(static_cast<int>(candidates.size())))];
            ++failovers;
        }
    }
    int failovers = 0;

    bool one_in(int many) { return number(many) == 0; }
    int number(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

private:
    std::vector<std::string> some_hosts() {
        std::vector<std::string> all;
        for (const auto& [id, host] : cluster_.hosts) all.push_back(id);
        std::shuffle(all.begin(), all.end(), random_);
        all.resize(static_cast<std::size_t>(1 + number(3)));
        return all;
    }

    void change_hosts(NodeSpec& node) {
        if (one_in(4)) node.host_ids = some_hosts();
        if (one_in(4) && node.host_ids.size() > 1) node.host_ids.pop_back();
        if (one_in(4)) {
            const auto more = some_hosts().front();
            if (std::find(node.host_ids.begin(), node.host_ids.end(), more) == node.host_ids.end())
                node.host_ids.push_back(more);
        }
    }

    void change_settings(Settings& settings) {
        static const std::vector<std::string> names{"max_connections",       "max_wal_senders", "max_worker_processes",
                                                    "max_replication_slots", "work_mem",        "shared_buffers"};
        if (one_in(2)) return;
        const auto& name = names[static_cast<std::size_t>(number(static_cast<int>(names.size())))];
        if (one_in(3))
            settings.erase(name);
        else if (name == "max_replication_slots")
            settings[name] = "1";  // raised to what is needed
        else
            settings[name] = std::to_string(20 + number(5) * 10);
    }

    /// For the links and the replicas of the wanted nodes, and none more.
    void raise_slots(Settings& settings) {
        const auto given = settings.find("max_replication_slots");
        if (given == settings.end()) return;
        std::size_t replicas = 0;
        for (const auto& node : cluster_.wanted.spec.nodes) replicas = std::max(replicas, node.host_ids.size() - 1);
        given->second = std::to_string(
            std::max<std::size_t>(std::stoul(given->second), cluster_.wanted.spec.nodes.size() - 1 + replicas));
    }

    void add_new_node() {
        for (int i = 1; i <= 6; ++i) {
            const auto name = "n" + std::to_string(i);
            const auto& nodes = cluster_.wanted.spec.nodes;
            if (std::any_of(nodes.begin(), nodes.end(), [&](const auto& node) { return node.name == name; })) continue;
            cluster_.add_node(name, some_hosts());
            return;
        }
    }

    void settle() {
        auto settled = settle_instances(cluster_.wanted, cluster_.instances, cluster_.hosts);
        for (const auto& instance : cluster_.instances)
            if (cluster_.known.contains({"filesystem.dir", instance.id})) settled.emplace(instance.id, instance);
        cluster_.instances.clear();
        for (const auto& [id, instance] : settled) cluster_.instances.push_back(instance);
        cluster_.forget_empty_nodes();
    }

    std::mt19937 random_;
    SmallCluster cluster_;
};

}  // namespace

TEST_CASE("on the way from any database to any other each step finds what it needs where it is") {
    for (unsigned seed = 0, all = walks(); seed < all; ++seed) {
        CAPTURE(seed);
        Updates updates(seed);
        updates.carry_out(SIZE_MAX);
        updates.check_end();
        for (int i = 0; i < kUpdates; ++i) {
            CAPTURE(i);
            updates.change();
            updates.keep_valid();
            updates.carry_out(SIZE_MAX);
            updates.check_end();
        }
    }
}

TEST_CASE("a failover changes no plan, and what follows finds everything where it is by then") {
    int failovers = 0;
    for (unsigned seed = 0, all = walks(); seed < all; ++seed) {
        CAPTURE(seed);
        Updates updates(seed);
        updates.carry_out(SIZE_MAX);
        for (int i = 0; i < kUpdates; ++i) {
            CAPTURE(i);
            updates.fail_over();
            updates.check_end();
            updates.change();
            updates.keep_valid();
            updates.carry_out(SIZE_MAX);
            updates.check_end();
        }
        failovers += updates.failovers;
    }
    CHECK(failovers > static_cast<int>(walks()));
}

TEST_CASE("an update that was broken off anywhere is completed, or replaced by another one") {
    for (unsigned seed = 0, all = walks(); seed < all; ++seed) {
        CAPTURE(seed);
        Updates updates(seed);
        updates.carry_out(static_cast<std::size_t>(updates.number(60)));
        for (int i = 0; i < kUpdates; ++i) {
            CAPTURE(i);
            if (updates.one_in(2)) updates.change();
            updates.keep_valid();
            updates.carry_out(static_cast<std::size_t>(updates.number(60)));
        }
        updates.keep_valid();
        updates.carry_out(SIZE_MAX);
        updates.check_end();
    }
}
