#pragma once

#include <string>
#include <vector>

#include "common/orchestrate/instances.hpp"
#include "common/orchestrate/orchestrator.hpp"
#include "common/orchestrate/preflight.hpp"
#include "common/orchestrate/topology.hpp"
#include "common/orchestrate/versions.hpp"
#include "tests/unit/common/plan/plan_text.hpp"

namespace pgedge {

/// Four hosts of 8 GiB and 4 CPUs with PostgreSQL 15 and pglogical, and one database, "storefront". A test changes
/// `wanted` and the hosts, plans, and lets the plan happen.
class SmallCluster {
public:
    /// The instance of its first node.
    static constexpr const char* kFirst = "storefront-n1-689qacsi";

    std::map<std::string, Host> hosts;
    Database wanted;
    Known known;
    std::vector<Instance> instances;
    std::vector<std::string> gone_hosts;
    std::map<std::string, std::string> primaries;  ///< by node, as the store keeps them
    std::optional<RestoreWish> restore;

    SmallCluster() {
        for (int i = 1; i <= 4; ++i) {
            Host host;
            host.id = "host-" + std::to_string(i);
            host.runtime = "process";
            host.peer_addresses = {"10.0.0." + std::to_string(i)};
            host.client_addresses = host.peer_addresses;
            host.cpus = 4;
            host.memory_bytes = std::int64_t{8} << 30;
            host.versions = {{"15.18", "pglogical", "2.4.2", "/usr/lib/postgresql/15/bin"}};
            hosts[host.id] = host;
        }
        wanted.id = "storefront";
        wanted.dialect = "pglogical";
        wanted.spec.database_name = "storefront";
        wanted.spec.port = 5432;
        UserSpec admin;
        admin.username = "admin";
        admin.password = SecretRef{"database/storefront/users/admin/password", "0123456789abcdef"};
        admin.db_owner = true;
        admin.attributes = {"LOGIN", "SUPERUSER"};
        wanted.spec.database_users = {admin};
    }

    NodeSpec& add_node(const std::string& name, const std::vector<std::string>& host_ids) {
        NodeSpec node;
        node.name = name;
        node.host_ids = host_ids;
        wanted.spec.nodes.push_back(node);
        return wanted.spec.nodes.back();
    }

    void add_three_nodes() {
        for (const char* number : {"1", "2", "3"}) add_node(std::string("n") + number, {std::string("host-") + number});
    }

    Surroundings surroundings() const {
        Surroundings result;
        result.hosts = hosts;
        result.instances = settle_instances(wanted, instances, hosts);
        result.versions = choose_versions(wanted, nullptr, hosts).by_instance;
        result.gone_hosts = gone_hosts;
        result.primaries = primaries;
        result.restore = restore;
        return result;
    }

    std::string host_of(const std::string& node, const std::string& instance) const {
        for (const auto& [id, host] : hosts)
            if (instance_id(wanted.id, node, id) == instance) return id;
        return {};
    }

    /// As the store tells it to who plans: what is on a primary is where that is.
    Known now() const {
        Known placed = known;
        for (auto& [id, each] : placed)
            if (const auto primary = primaries.find(each.resource.node); primary != primaries.end()) {
                each.resource.instance_id = primary->second;
                each.resource.host_id = host_of(primary->first, primary->second);
            }
        return with_primaries(without_hosts(placed, gone_hosts), primaries);
    }

    Plan plan(const PlanOptions& options = {}) const {
        const auto around = surroundings();
        Plan plan = wanted_plan(wanted, now(), around, options);
        settle_primaries(plan, primaries, wanted_primaries(wanted, now(), around));
        return plan;
    }

    /// What is stored with an operation, before its first step.
    void begin(Plan plan) {
        const auto at_once = settle_primaries(plan, primaries, wanted_primaries(wanted, now(), surroundings()));
        known = now();
        for (const auto& [node, primary] : at_once) move(known, node, primary);
    }

    void move(Known& resources, const std::string& node, const std::string& primary) {
        for (auto& [id, each] : resources)
            if (each.resource.node == node && primaries.contains(node)) each.needs_recreate = true;
        primaries[node] = primary;
    }

    void step_done(const Step& step) {
        if (!step.primary_of.empty()) move(known, step.primary_of, step.resource.id.name);
        known = plan_text::outcome(known, {{step}, {}});
    }

    /// All steps are done.
    void carry_out(const Plan& plan) {
        begin(plan);
        for (const auto& step : plan.steps) step_done(step);
        instances.clear();
        for (const auto& [id, instance] : settle_instances(wanted, {}, hosts)) instances.push_back(instance);
        forget_empty_nodes();
    }

    void forget_empty_nodes() {
        std::erase_if(primaries, [&](const auto& node) {
            return std::none_of(instances.begin(), instances.end(),
                                [&](const Instance& each) { return each.node_name == node.first; });
        });
    }

    /// The step fails; what waits for it does not happen.
    void carry_out_until(const Plan& plan, const std::string& failing, const std::string& error) {
        begin(plan);
        std::set<std::string> undone;
        for (const auto& step : plan.steps) {
            const bool waits = std::any_of(step.after.begin(), step.after.end(),
                                           [&](const std::string& id) { return undone.contains(id); });
            if (waits || step.id == failing)
                undone.insert(step.id);
            else
                step_done(step);
            if (step.id == failing) known[step.resource.id] = {step.resource, false, error};
        }
    }
};

/// "nodes[0].port: text (hint)".
inline std::string line_of(const Problem& problem) {
    std::string path = problem.path.starts_with("spec.") ? problem.path.substr(5) : problem.path;
    if (!path.empty()) path += ": ";
    return path + problem.text + (problem.hint.empty() ? "" : " (" + problem.hint + ")");
}

}  // namespace pgedge
