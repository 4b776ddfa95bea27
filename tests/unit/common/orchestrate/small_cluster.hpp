#pragma once

#include <string>
#include <vector>

#include "common/orchestrate/instances.hpp"
#include "common/orchestrate/preflight.hpp"
#include "common/orchestrate/process_orchestrator.hpp"
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
        return result;
    }

    Plan plan(const PlanOptions& options = {}) const {
        const Known now = without_hosts(known, gone_hosts);
        return make_plan(now, ProcessOrchestrator().states(wanted, now, surroundings()), options);
    }

    /// All steps are done.
    void carry_out(const Plan& plan) {
        known = plan_text::outcome(without_hosts(known, gone_hosts), plan);
        instances.clear();
        for (const auto& [id, instance] : settle_instances(wanted, {}, hosts)) instances.push_back(instance);
    }

    /// The step fails; what waits for it does not happen.
    void carry_out_until(const Plan& plan, const std::string& failing, const std::string& error) {
        std::set<std::string> undone;
        Plan done;
        for (const auto& step : plan.steps) {
            const bool waits = std::any_of(step.after.begin(), step.after.end(),
                                           [&](const std::string& id) { return undone.contains(id); });
            if (waits || step.id == failing)
                undone.insert(step.id);
            else
                done.steps.push_back(step);
            if (step.id == failing) known[step.resource.id] = {step.resource, false, error};
        }
        known = plan_text::outcome(known, done);
    }
};

/// "nodes[0].port: text (hint)".
inline std::string line_of(const Problem& problem) {
    std::string path = problem.path.starts_with("spec.") ? problem.path.substr(5) : problem.path;
    if (!path.empty()) path += ": ";
    return path + problem.text + (problem.hint.empty() ? "" : " (" + problem.hint + ")");
}

}  // namespace pgedge
