#include "common/orchestrate/preflight.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/orchestrate/backup_settings.hpp"
#include "common/orchestrate/topology.hpp"
#include "common/spec/entries.hpp"
#include "common/spec/server_settings.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kReservedUser = "pgedge_superuser";

std::set<std::string> hosts_in(const DatabaseSpec& spec) {
    std::set<std::string> ids;
    for (const auto& node : spec.nodes) ids.insert(node.host_ids.begin(), node.host_ids.end());
    return ids;
}

/// What can be written in place of a host that is not there. Of two that are as near, one that is not `used` is meant.
std::string hosts_for(const std::string& unknown, const Surroundings& surroundings, const std::set<std::string>& used) {
    std::vector<std::string> ids, by_likelihood, taken;
    for (const auto& [id, host] : surroundings.hosts) {
        ids.push_back(id);
        (used.contains(id) ? taken : by_likelihood).push_back(id);
    }
    by_likelihood.insert(by_likelihood.end(), taken.begin(), taken.end());
    const auto meant = nearest(unknown, by_likelihood);
    return (meant ? "did you mean " + *meant + "? " : "") + "hosts of this cluster: " + joined(ids, ", ");
}

class Preflight {
public:
    explicit Preflight(const PreflightInput& input) : in_(input), spec_(input.wanted.spec) {}

    std::vector<Problem> all() {
        check_identity();
        check_hosts();
        check_majors();
        check_primaries();
        check_stopped();
        check_ports();
        check_setting_names();
        check_includes();
        check_node_numbers();
        check_users();
        check_runtime();
        check_archiving();
        check_arrivals();
        return std::move(problems_);
    }

private:
    static std::string node_path(std::size_t i) { return fmt::format("spec.nodes[{}]", i); }

    void add(std::string path, std::string text, std::string hint = {}) {
        Problem problem;
        problem.path = std::move(path);
        problem.text = std::move(text);
        problem.hint = std::move(hint);
        problems_.push_back(std::move(problem));
    }

    void check_identity() {
        if (!in_.stored) return;
        if (in_.stored->spec.database_name != spec_.database_name)
            add("spec.database_name", "database name cannot be changed", "it is " + in_.stored->spec.database_name);
        if (in_.stored->tenant_id != in_.wanted.tenant_id)
            add("tenant_id", "tenant ID cannot be changed",
                in_.stored->tenant_id.empty() ? "it has none" : "it is " + in_.stored->tenant_id);
    }

    void check_hosts() {
        for (auto& problem : unknown_gone_hosts(in_.surroundings)) problems_.push_back(std::move(problem));
        const auto used = hosts_in(spec_);
        for (std::size_t i = 0; i < spec_.nodes.size(); ++i)
            for (std::size_t j = 0; j < spec_.nodes[i].host_ids.size(); ++j) {
                const auto& host = spec_.nodes[i].host_ids[j];
                const auto& gone = in_.surroundings.gone_hosts;
                const auto path = fmt::format("{}.host_ids[{}]", node_path(i), j);
                if (!in_.surroundings.hosts.contains(host))
                    add(path, "got invalid host ids: " + host, hosts_for(host, in_.surroundings, used));
                else if (std::find(gone.begin(), gone.end(), host) != gone.end())
                    add(path, fmt::format("host {} is to be treated as lost and is still wanted", host),
                        "take it out of the spec");
            }
    }

    void check_majors() {
        for (const auto& [id, version] : in_.surroundings.versions) {
            const auto known = in_.now.find({"instance.data", id});
            if (known == in_.now.end()) continue;
            const int before = known->second.resource.want.value("major", version.major());
            if (before != version.major())
                add("", fmt::format("invalid change for instance {}: major version changed from {} to {}", id, before,
                                    version.major()));
        }
    }

    void check_primaries() {
        for (std::size_t i = 0; i < spec_.nodes.size(); ++i)
            if (auto problem = primary_problem(in_.wanted, spec_.nodes[i], in_.now, in_.surroundings); !problem.empty())
                add(node_path(i) + ".host_ids", std::move(problem));
    }

    /// A change may have to ask or restart any server of the database, and what a user stopped stays stopped.
    void check_stopped() {
        for (std::size_t i = 0; i < spec_.nodes.size(); ++i)
            for (std::size_t j = 0; j < spec_.nodes[i].host_ids.size(); ++j) {
                const auto id = instance_id(in_.wanted.id, spec_.nodes[i].name, spec_.nodes[i].host_ids[j]);
                const bool stopped = std::any_of(in_.all.begin(), in_.all.end(),
                                                 [&](const Instance& each) { return each.id == id && each.stopped; });
                if (stopped)
                    add(fmt::format("{}.host_ids[{}]", node_path(i), j),
                        fmt::format("instance {} was stopped by a user", id),
                        fmt::format("start it first: pgedgectl instance start {} {}", in_.wanted.id, id));
            }
    }

    void check_ports() {
        for (std::size_t i = 0; i < spec_.nodes.size(); ++i) {
            const auto port = effective(spec_, spec_.nodes[i]).port;
            if (!port || *port == 0) continue;
            const std::string path = spec_.nodes[i].port ? node_path(i) + ".port" : "spec.port";
            for (const auto& host_id : spec_.nodes[i].host_ids) check_port(path, host_id, spec_.nodes[i].name, *port);
        }
    }

    void check_port(const std::string& path, const std::string& host_id, const std::string& node, int port) {
        const std::string mine = instance_id(in_.wanted.id, node, host_id);
        for (const auto& other : in_.all)
            if (other.host_id == host_id && other.listen_port == port && other.id != mine)
                add(path, fmt::format("port {} on host {} is in use by instance {} of database {}", port, host_id,
                                      other.id, other.database_id));
        const auto host = in_.surroundings.hosts.find(host_id);
        if (host == in_.surroundings.hosts.end()) return;
        for (const int own : {host->second.http_port, host->second.peer_port, host->second.store_port})
            if (own == port) add(path, fmt::format("port {} on host {} is in use by its agent", port, host_id));
    }

    /// A server of 15 does not start with a name that it does not know. Later ones may have names that we do not know.
    void check_setting_names() {
        for (std::size_t i = 0; i < spec_.nodes.size(); ++i) {
            if (!has_server_below(spec_.nodes[i], 16)) continue;
            for (const auto& [name, value] : effective(spec_, spec_.nodes[i]).postgresql_conf) {
                if (may_be_setting_of_15(name)) continue;
                const bool own = spec_.nodes[i].postgresql_conf.contains(name);
                const std::string path = (own ? node_path(i) : "spec") + ".postgresql_conf." + name;
                const auto same = [&](const Problem& problem) { return problem.path == path; };
                if (std::any_of(problems_.begin(), problems_.end(), same)) continue;
                const auto meant = nearest_setting(name);
                add(path, "PostgreSQL 15 has no such setting",
                    meant && *meant != name ? "did you mean " + *meant + "?" : "");
            }
        }
    }

    /// Before 16 the first word of such a line is an unknown connection type, and the server does not start.
    void check_includes() {
        const auto check = [&](const std::string& path, const TunableSpec& tunables) {
            const auto refuse = [&](const char* field, const std::vector<std::string>& lines) {
                for (std::size_t i = 0; i < lines.size(); ++i)
                    if (includes_a_file(lines[i]))
                        add(fmt::format("{}.{}[{}]", path, field, i), "PostgreSQL includes files since 16",
                            "write the lines themselves");
            };
            refuse("pg_hba_conf", tunables.pg_hba_conf);
            refuse("pg_ident_conf", tunables.pg_ident_conf);
        };
        const auto old = [&](const NodeSpec& node) { return has_server_below(node, 16); };
        if (std::any_of(spec_.nodes.begin(), spec_.nodes.end(), old)) check("spec", spec_);
        for (std::size_t i = 0; i < spec_.nodes.size(); ++i)
            if (old(spec_.nodes[i])) check(node_path(i), spec_.nodes[i]);
    }

    bool has_server_below(const NodeSpec& node, int major) const {
        return std::any_of(node.host_ids.begin(), node.host_ids.end(), [&](const std::string& host) {
            const auto version = in_.surroundings.versions.find(instance_id(in_.wanted.id, node.name, host));
            return version != in_.surroundings.versions.end() && version->second.major() < major;
        });
    }

    void check_node_numbers() {
        std::map<int, std::string> residues;
        for (std::size_t i = 0; i < spec_.nodes.size(); ++i) {
            const auto& name = spec_.nodes[i].name;
            const auto [other, fresh] = residues.emplace(node_ordinal(name) % kSequenceNodes, name);
            if (!fresh)
                add(node_path(i) + ".name",
                    fmt::format(
                        "nodes {} and {} would give the same numbers from sequences: their own numbers differ by a "
                        "multiple of {}",
                        other->second, name, kSequenceNodes));
        }
    }

    void check_users() {
        for (std::size_t i = 0; i < spec_.database_users.size(); ++i) {
            const auto& name = spec_.database_users[i].username;
            if (name == kReservedUser || name == "pgedge" || name == "patroni_replicator")
                add(fmt::format("spec.database_users[{}].username", i), fmt::format("the name {} is reserved", name));
            check_roles(i);
        }
    }

    /// Predefined roles that came after 15.
    void check_roles(std::size_t user) {
        static const std::map<std::string, int> since{{"pg_create_subscription", 16},
                                                      {"pg_use_reserved_connections", 16},
                                                      {"pg_maintain", 17},
                                                      {"pg_signal_autovacuum_worker", 18}};
        const auto& roles = spec_.database_users[user].roles;
        for (std::size_t i = 0; i < roles.size(); ++i) {
            const auto came = since.find(roles[i]);
            // Later somebody may have made it by hand.
            if (!in_.stored && spec_.scripts.post_init.empty() && !exists_from_the_start(roles[i]))
                add(fmt::format("spec.database_users[{}].roles[{}]", user, i),
                    fmt::format("there will be no role \"{}\"", roles[i]),
                    "add it to database_users, or create it in scripts.post_init");
            if (came == since.end()) continue;
            const auto lacks = [&](const NodeSpec& node) { return has_server_below(node, came->second); };
            if (std::any_of(spec_.nodes.begin(), spec_.nodes.end(), lacks))
                add(fmt::format("spec.database_users[{}].roles[{}]", user, i),
                    fmt::format("PostgreSQL has the role {} since {}", roles[i], came->second));
        }
    }

    bool exists_from_the_start(const std::string& role) const {
        return role == kReservedUser || role.starts_with("pg_") ||
               std::any_of(spec_.database_users.begin(), spec_.database_users.end(),
                           [&](const UserSpec& user) { return user.username == role; });
    }

    /// What would be taken silently and not done is refused.
    void check_runtime() {
        if (!spec_.services.empty())
            add("spec.services", "services are not supported on hosts that run PostgreSQL as processes");
        for (std::size_t i = 0; i < spec_.nodes.size(); ++i) {
            const NodeSpec& node = spec_.nodes[i];
            if (exists(node)) continue;  // only read when a node is made
            if (effective(spec_, node).restore_config)
                add(node.restore_config ? node_path(i) + ".restore_config" : "spec.restore_config",
                    "restoring from a backup is not supported yet");
        }
    }

    void check_archiving() {
        for (std::size_t i = 0; i < spec_.nodes.size(); ++i) {
            const NodeSpec& node = spec_.nodes[i];
            const auto tunables = effective(spec_, node);
            if (!tunables.backup_config) continue;
            for (const auto& name : archive_settings())
                if (tunables.postgresql_conf.contains(name))
                    add((node.postgresql_conf.contains(name) ? node_path(i) : "spec") + ".postgresql_conf." + name,
                        "backup_config sets it for node " + node.name, "take one of the two out of the spec");
        }
    }

    /// Where the data of nodes come from that are new, or whose adding was broken off.
    void check_arrivals() {
        const auto standing = standing_nodes(in_.wanted, in_.now, in_.surroundings);
        const auto stands = [&](const std::string& name) {
            return std::find(standing.begin(), standing.end(), name) != standing.end();
        };
        for (std::size_t i = 0; i < spec_.nodes.size(); ++i) {
            const NodeSpec& node = spec_.nodes[i];
            if (stands(node.name)) continue;
            if (node.source_node && !stands(*node.source_node))
                add(node_path(i) + ".source_node",
                    fmt::format("node {} has no data that node {} could get", *node.source_node, node.name),
                    standing.empty() ? "leave it out: the nodes of a new database begin together"
                                     : "nodes that have: " + joined(standing, ", "));
            if (standing.empty() && is_waiting_for_data(node))
                add(node_path(i),
                    fmt::format("node {} has not got its data yet, and no other node would be left to give them",
                                node.name),
                    "keep the node that it gets them from until it is added, or leave it out");
        }
        const auto moving = moving_nodes(in_.wanted, in_.now, in_.surroundings);
        if (const auto arriving = arriving_nodes(in_.wanted, in_.now, in_.surroundings);
            !arriving.empty() && !moving.empty())
            add("spec.nodes",
                fmt::format("node {} cannot be added while node {} moves to another host", arriving.begin()->first,
                            moving.front()),
                "make one change after the other");
        check_arriving_majors();
    }

    /// Clients have been kept out of it since it was made.
    bool is_waiting_for_data(const NodeSpec& node) const {
        const auto primary = in_.surroundings.primaries.find(node.name);
        if (primary == in_.surroundings.primaries.end()) return false;
        const auto config = in_.now.find({"instance.config", primary->second});
        return config != in_.now.end() && config->second.resource.want.value("closed", false);
    }

    /// The programs of an older server cannot read what a newer one has.
    void check_arriving_majors() {
        const auto major_of = [&](const NodeSpec& node) -> std::optional<int> {
            for (const auto& host : node.host_ids)
                if (const auto found = in_.surroundings.versions.find(instance_id(in_.wanted.id, node.name, host));
                    found != in_.surroundings.versions.end())
                    return found->second.major();
            return std::nullopt;
        };
        const auto arriving = arriving_nodes(in_.wanted, in_.now, in_.surroundings);
        for (std::size_t i = 0; i < spec_.nodes.size(); ++i) {
            const auto source = arriving.find(spec_.nodes[i].name);
            if (source == arriving.end()) continue;
            const auto from = std::find_if(spec_.nodes.begin(), spec_.nodes.end(),
                                           [&](const NodeSpec& node) { return node.name == source->second; });
            const auto has = major_of(*from), gets = major_of(spec_.nodes[i]);
            if (has && gets && *gets < *has)
                add(node_path(i) + ".postgres_version",
                    fmt::format("node {} has PostgreSQL {}, and cannot get its data from node {}, which has {}",
                                spec_.nodes[i].name, *gets, from->name, *has),
                    "choose a source_node that is no newer");
        }
    }

    bool exists(const NodeSpec& node) const {
        return in_.stored && std::any_of(in_.stored->spec.nodes.begin(), in_.stored->spec.nodes.end(),
                                         [&](const NodeSpec& before) { return before.name == node.name; });
    }

    const PreflightInput& in_;
    const DatabaseSpec& spec_;
    std::vector<Problem> problems_;
};

bool has_schedules(const DatabaseSpec& spec) {
    return std::any_of(spec.nodes.begin(), spec.nodes.end(), [&](const NodeSpec& node) {
        const auto config = effective(spec, node).backup_config;
        return config && !config->schedules.empty();
    });
}

bool has_docker_options(const DatabaseSpec& spec) {
    return spec.orchestrator_opts || std::any_of(spec.nodes.begin(), spec.nodes.end(), [](const NodeSpec& node) {
               return node.orchestrator_opts.has_value();
           });
}

bool has_processes(const PreflightInput& input) {
    const auto& hosts = input.surroundings.hosts;
    const auto is_of_processes = [&](const std::string& id) {
        const auto host = hosts.find(id);
        return host != hosts.end() && host->second.runtime != kDocker;
    };
    return std::any_of(input.wanted.spec.nodes.begin(), input.wanted.spec.nodes.end(), [&](const NodeSpec& node) {
        return std::any_of(node.host_ids.begin(), node.host_ids.end(), is_of_processes);
    });
}

bool has_networks(const DatabaseSpec& spec) {
    return std::any_of(spec.nodes.begin(), spec.nodes.end(), [&](const NodeSpec& node) {
        const auto options = effective(spec, node).orchestrator_opts;
        return options && !options->extra_networks.empty();
    });
}

bool is_primary(const Surroundings& surroundings, const std::string& node, const std::string& instance) {
    const auto primary = surroundings.primaries.find(node);
    return primary != surroundings.primaries.end() && primary->second == instance;
}

/// To other hosts, with none of those that it has: its data does not go with it.
bool moves(const DatabaseSpec& before, const NodeSpec& node) {
    return std::any_of(before.nodes.begin(), before.nodes.end(), [&](const NodeSpec& each) {
        return each.name == node.name &&
               std::none_of(node.host_ids.begin(), node.host_ids.end(), [&](const std::string& host) {
                   return std::find(each.host_ids.begin(), each.host_ids.end(), host) != each.host_ids.end();
               });
    });
}

}  // namespace

std::vector<Problem> preflight(const PreflightInput& input) { return Preflight(input).all(); }

std::vector<Problem> unknown_gone_hosts(const Surroundings& surroundings) {
    std::vector<Problem> problems;
    for (const auto& host : surroundings.gone_hosts) {
        if (surroundings.hosts.contains(host)) continue;
        Problem problem;
        problem.text = fmt::format("host {} is to be treated as lost and is no host of this cluster", host);
        problem.hint = hosts_for(host, surroundings, {});
        problems.push_back(std::move(problem));
    }
    return problems;
}

std::vector<std::string> left_behind(const std::string& database_id, const Surroundings& surroundings,
                                     const std::vector<Instance>& all) {
    std::vector<std::string> warnings;
    const auto& gone = surroundings.gone_hosts;
    for (const auto& instance : all)
        if (instance.database_id == database_id && std::find(gone.begin(), gone.end(), instance.host_id) != gone.end())
            warnings.push_back(
                fmt::format("instance {} is forgotten: its server and its data stay on host {}, and take "
                            "writes, when the host is not lost",
                            instance.id, instance.host_id));
    return warnings;
}

std::vector<Problem> lost_data(const PreflightInput& input) {
    std::vector<Problem> problems;
    const auto& nodes = input.wanted.spec.nodes;
    for (std::size_t i = 0; i < nodes.size(); ++i)
        for (const auto& host_id : nodes[i].host_ids) {
            const auto id = instance_id(input.wanted.id, nodes[i].name, host_id);
            const auto known = input.now.find({"instance.data", id});
            if (known == input.now.end() || !known->second.needs_recreate || !known->second.error.empty() ||
                !is_primary(input.surroundings, nodes[i].name, id))
                continue;
            Problem problem;
            problem.path = fmt::format("spec.nodes[{}]", i);
            problem.text = fmt::format("the data directory of instance {} is gone from host {}", id, host_id);
            problem.hint = fmt::format(
                "put it back, or apply the spec without {} and then with it again: it will be empty", nodes[i].name);
            problems.push_back(std::move(problem));
        }
    return problems;
}

/// In short what docs/replication.md says under "Limits".
std::string limits_of(std::string_view dialect) {
    const std::string both =
        "not replicated: roles, databases, tablespaces and rights on them, REASSIGN OWNED, large objects, and what "
        "materialized views contain; the same object made on two nodes at once is a conflict";
    if (dialect == "pglogical")
        return "pglogical: " + both +
               " that stops the links between them; DDL that cannot end the same on all nodes is refused (ADD COLUMN "
               "with a volatile default, temporary objects, tablespaces, DETACH PARTITION CONCURRENTLY), and CREATE "
               "INDEX CONCURRENTLY runs without CONCURRENTLY on the other nodes; changes are applied as superuser, "
               "with the triggers and checks of the tables: whoever may create tables could become superuser on the "
               "other nodes, so let only trusted roles create them";
    return "Spock: " + both +
           "; CREATE TABLE AS, SELECT INTO and DDL under session settings such as TimeZone run again on each node and "
           "may give other rows; CREATE INDEX CONCURRENTLY is not sent: run it on each node";
}

std::vector<std::string> warnings(const PreflightInput& input) {
    const DatabaseSpec& spec = input.wanted.spec;
    std::vector<std::string> warnings;
    if (spec.nodes.size() > 1 && !input.stored) warnings.push_back(limits_of(input.wanted.dialect));
    const auto arriving = arriving_nodes(input.wanted, input.now, input.surroundings);
    for (const auto& [node, source] : arriving)
        warnings.push_back(fmt::format(
            "node {0} gets a copy of node {1} and all that is committed meanwhile, and takes clients when it has both; "
            "writes go on everywhere, but on {1} ALTER, DROP and TRUNCATE of tables wait until their rows are copied "
            "and indexed",
            node, source));
    if (input.stored && !input.stored->spec.nodes.empty())
        for (const auto& node : spec.nodes)
            if (!arriving.contains(node.name) && moves(input.stored->spec, node))
                warnings.push_back(fmt::format(
                    "node {} begins empty on its new host, without the tables and rows of the other nodes; a link to "
                    "it stops at the first write to a table that it does not have: leave the node out and add it "
                    "again instead, and it gets a copy",
                    node.name));
    if (input.stored)
        for (const auto& user : input.stored->spec.database_users)
            if (std::none_of(spec.database_users.begin(), spec.database_users.end(),
                             [&](const UserSpec& each) { return each.username == user.username; }))
                warnings.push_back(
                    fmt::format("user {} is not in database_users any more: it loses LOGIN on every node and its "
                                "sessions end; the role, what it owns and its rights stay",
                                user.username));
    for (auto& warning : left_behind(input.wanted.id, input.surroundings, input.all))
        warnings.push_back(std::move(warning));
    for (const auto& lost : lost_data(input))
        warnings.push_back(lost.text + ", as was seen last: if it is not back, the task ends there");
    if (has_schedules(spec))
        warnings.push_back(
            "the schedules of backup_config are stored, but no backup is made by itself yet: ask for each, by "
            "pgedgectl backup create");
    if (has_docker_options(spec) && has_processes(input))
        warnings.push_back("orchestrator_opts is stored, but has no effect on hosts that run PostgreSQL as processes");
    if (has_networks(spec))
        warnings.push_back("extra_networks is stored, but has no effect: containers have the network of their host");
    return warnings;
}

}  // namespace pgedge
