#include "common/spec/validate.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/spec/entries.hpp"
#include "common/spec/rules.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kMaxNameBytes = 63;  // NAMEDATALEN - 1: PostgreSQL cuts longer names without a word

void check_name_of_role(const std::string& name, const std::string& path, Findings& findings) {
    constexpr std::array<std::string_view, 3> kReserved{"pgedge_superuser", "pgedge", "patroni_replicator"};
    if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end())
        findings.add(path, fmt::format("the user name \"{}\" is reserved for the platform", name));
    else if (name.starts_with("pg_") || name == "public" || name == "none")
        findings.add(path, fmt::format("the user name \"{}\" is reserved by PostgreSQL", shortened(name, 63)));
    else if (name.size() > kMaxNameBytes)
        findings.add(path, fmt::format("must not be longer than {} bytes", kMaxNameBytes));
}

/// Roles that PostgreSQL 15 to 18 have from the start and that can have members.
bool is_predefined_role(std::string_view name) {
    static constexpr std::array<std::string_view, 15> kPredefined{"pg_checkpoint",
                                                                  "pg_create_subscription",
                                                                  "pg_execute_server_program",
                                                                  "pg_maintain",
                                                                  "pg_monitor",
                                                                  "pg_read_all_data",
                                                                  "pg_read_all_settings",
                                                                  "pg_read_all_stats",
                                                                  "pg_read_server_files",
                                                                  "pg_signal_autovacuum_worker",
                                                                  "pg_signal_backend",
                                                                  "pg_stat_scan_tables",
                                                                  "pg_use_reserved_connections",
                                                                  "pg_write_all_data",
                                                                  "pg_write_server_files"};
    return std::find(kPredefined.begin(), kPredefined.end(), name) != kPredefined.end();
}

void check_role_of_user(const std::string& role, const std::string& path, Findings& findings) {
    if (role.empty() || role.size() > kMaxNameBytes)
        findings.add(path, fmt::format("the name of a role has 1 to {} bytes", kMaxNameBytes));
    else if (role == "pgedge" || role == "patroni_replicator")
        findings.add(path, fmt::format("nobody can be a member of \"{}\", the platform's own user", role),
                     "use pgedge_superuser");
    else if (role == "public" || role == "none" || (role.starts_with("pg_") && !is_predefined_role(role)))
        findings.add(path, fmt::format("PostgreSQL has no role \"{}\" that can have members", role));
}

/// Roles that are members of each other, directly or through others: PostgreSQL refuses the last of their grants. Found
/// from the user that comes first in the list, told at the entry that leads back to it.
class MembershipCycles {
public:
    explicit MembershipCycles(const std::vector<UserSpec>& users) : users_(users) {
        for (std::size_t i = 0; i < users.size(); ++i) index_.emplace(users[i].username, i);
        states_.resize(users.size(), State::fresh);
    }

    void check(Findings& findings) {
        for (std::size_t i = 0; i < users_.size(); ++i) visit(i, findings);
    }

private:
    enum class State { fresh, inside, done };

    /// Without recursion: a spec may hold very many users.
    void visit(std::size_t from, Findings& findings) {
        if (states_[from] != State::fresh) return;
        std::vector<std::pair<std::size_t, std::size_t>> path{{from, 0}};  // user, next role of it
        states_[from] = State::inside;
        while (!path.empty()) {
            auto& [user, role] = path.back();
            if (role == users_[user].roles.size()) {
                states_[user] = State::done;
                path.pop_back();
                continue;
            }
            const std::size_t entry = role++;
            const auto next = index_.find(users_[user].roles[entry]);
            if (next == index_.end() || states_[next->second] == State::done) continue;
            if (states_[next->second] == State::inside) {
                findings.add(fmt::format("spec.database_users[{}].roles[{}]", user, entry), story(path, next->second));
                continue;
            }
            states_[next->second] = State::inside;
            path.emplace_back(next->second, 0);
        }
    }

    std::string story(const std::vector<std::pair<std::size_t, std::size_t>>& path, std::size_t back_to) const {
        constexpr std::size_t kMostTold = 6;
        if (path.back().first == back_to) return "a role cannot be a member of itself";
        std::vector<std::string> names;
        for (const auto& [user, role] : path)
            if (!names.empty() || user == back_to) names.push_back(shortened(users_[user].username, 63));
        if (names.size() > kMostTold) names.erase(names.begin() + kMostTold / 2, names.end() - kMostTold / 2);
        names.push_back(shortened(users_[back_to].username, 63));
        return "roles cannot be members of each other: " + joined(names, " -> ");
    }

    const std::vector<UserSpec>& users_;
    std::map<std::string, std::size_t> index_;
    std::vector<State> states_;
};

void check_attributes(const UserSpec& user, const std::string& path, Findings& findings) {
    constexpr std::array<std::string_view, 7> kAllowed{"SUPERUSER", "CREATEDB",    "CREATEROLE", "INHERIT",
                                                       "LOGIN",     "REPLICATION", "BYPASSRLS"};
    std::vector<std::string> known;
    for (const auto word : kAllowed) {
        known.emplace_back(word);
        known.push_back("NO" + std::string(word));
    }
    std::set<std::string> given;
    for (std::size_t i = 0; i < user.attributes.size(); ++i) {
        const auto& attribute = user.attributes[i];
        const std::string item = fmt::format("{}.attributes[{}]", path, i);
        const auto opposite = attribute.starts_with("NO") ? attribute.substr(2) : "NO" + attribute;
        if (std::find(known.begin(), known.end(), attribute) == known.end()) {
            const auto meant = nearest(attribute, known);
            findings.add(item, fmt::format("\"{}\" is no attribute of a role", shortened(attribute, 40)),
                         meant ? fmt::format("did you mean \"{}\"?", *meant) : "known: " + joined(known, ", "));
        } else if (given.contains(opposite)) {
            findings.add(item, fmt::format("{} and {} contradict each other", opposite, attribute));
        }
        given.insert(attribute);
    }
}

void check_scripts(const std::vector<std::string>& statements, const std::string& path, Findings& findings) {
    for (std::size_t i = 0; i < statements.size(); ++i)
        if (auto wrong = wrong_in_statement(statements[i])) findings.add(fmt::format("{}[{}]", path, i), *wrong);
}

void check_database_name(const DatabaseSpec& spec, Findings& findings) {
    if (spec.database_name == "template0" || spec.database_name == "template1")
        findings.add("spec.database_name",
                     fmt::format("the name \"{}\" is reserved by PostgreSQL", spec.database_name));
    if (spec.database_name.size() > kMaxNameBytes)  // 31 characters can be 124 bytes
        findings.add("spec.database_name", fmt::format("must not be longer than {} bytes", kMaxNameBytes));
}

void check_source_node(const DatabaseSpec& spec, const NodeSpec& node, const std::string& path,
                       const ValidationContext& context, Findings& findings) {
    using Change = ValidationContext::Change;
    const auto has_node = [](const DatabaseSpec& in, const std::string& name) {
        return std::any_of(in.nodes.begin(), in.nodes.end(), [&](const auto& other) { return other.name == name; });
    };
    if (node.restore_config) return findings.add(path, "specify either source_node or restore_config");
    if (*node.source_node == node.name) return findings.add(path, "a node cannot use itself as a source node");
    if (!has_node(spec, *node.source_node)) {
        std::vector<std::string> names;
        for (const auto& other : spec.nodes) names.push_back(other.name);
        const auto meant = nearest(*node.source_node, names);
        return findings.add(path, fmt::format("source node does not exist: \"{}\"", shortened(*node.source_node, 40)),
                            meant ? fmt::format("did you mean \"{}\"?", *meant) : "");
    }
    const bool node_exists = context.stored && has_node(*context.stored, node.name);  // then it is not copied again
    const bool source_exists = context.stored && has_node(*context.stored, *node.source_node);
    if (context.change != Change::unknown && !node_exists && !source_exists)
        findings.add(path, "source node must refer to an existing node");
}

}  // namespace

void check_users(const DatabaseSpec& spec, Findings& findings) {
    std::set<std::string> names;
    bool has_owner = false;
    for (std::size_t i = 0; i < spec.database_users.size(); ++i) {
        const auto& user = spec.database_users[i];
        const std::string path = fmt::format("spec.database_users[{}]", i);
        check_name_of_role(user.username, path + ".username", findings);
        if (!names.insert(user.username).second)
            findings.add(path + ".username", "usernames must be unique within a database");
        if (user.db_owner && has_owner)
            findings.add(path + ".db_owner", "cannot have multiple users with db_owner = true");
        has_owner = has_owner || user.db_owner;
        check_attributes(user, path, findings);
        for (std::size_t r = 0; r < user.roles.size(); ++r)
            check_role_of_user(user.roles[r], fmt::format("{}.roles[{}]", path, r), findings);
        if (const auto* password = user.password.given(); password && has_control_characters(password->reveal()))
            findings.add(path + ".password", "must not hold control characters",
                         "a line end at the end is often one too many; clients cannot type or store the others");
    }
    MembershipCycles(spec.database_users).check(findings);
}

void check_nodes(const DatabaseSpec& spec, const ValidationContext& context, Findings& findings) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < spec.nodes.size(); ++i) {
        const auto& node = spec.nodes[i];
        const std::string path = fmt::format("spec.nodes[{}]", i);
        if (!names.insert(node.name).second)
            findings.add(path + ".name", fmt::format("node names must be unique within a database: \"{}\"", node.name));
        std::set<std::string> hosts;
        for (std::size_t h = 0; h < node.host_ids.size(); ++h)
            if (!hosts.insert(node.host_ids[h]).second)
                findings.add(fmt::format("{}.host_ids[{}]", path, h),
                             fmt::format("host IDs must be unique within a node: \"{}\"", node.host_ids[h]));
        if (node.source_node) check_source_node(spec, node, path + ".source_node", context, findings);
        check_tunables(node, path, context, findings);
    }
}

void check_ports(const DatabaseSpec& spec, Findings& findings) {
    std::map<std::string, std::map<int, std::string>> taken;  // host → port → by whom
    const auto take = [&](const std::string& host, const std::optional<int>& port, const std::string& by,
                          const std::string& path) {
        if (!port || *port == 0) return;
        const auto [known, fresh] = taken[host].emplace(*port, by);
        if (!fresh)
            findings.add(path, fmt::format("duplicate ports allocated on host '{}': {} is used by {} and by {}", host,
                                           *port, known->second, by));
    };
    for (std::size_t i = 0; i < spec.nodes.size(); ++i) {
        const auto& node = spec.nodes[i];
        const TunableSpec both = effective(spec, node);
        const std::string path = fmt::format("spec.nodes[{}]", i);
        const auto place_of = [&](const std::optional<int>& own, const char* name, std::size_t host) {
            return own ? fmt::format("{}.{}", path, name) : fmt::format("{}.host_ids[{}]", path, host);
        };
        for (std::size_t h = 0; h < node.host_ids.size(); ++h) {
            take(node.host_ids[h], both.port, "node " + node.name, place_of(node.port, "port", h));
            take(node.host_ids[h], both.patroni_port, "patroni_port of node " + node.name,
                 place_of(node.patroni_port, "patroni_port", h));
        }
    }
    for (std::size_t i = 0; i < spec.services.size(); ++i)
        for (const auto& host : spec.services[i].host_ids)
            take(host, spec.services[i].port, "service " + spec.services[i].service_id,
                 fmt::format("spec.services[{}].port", i));
}

std::vector<Problem> validate(const DatabaseSpec& spec, const ValidationContext& context) {
    Findings findings;
    check_database_name(spec, findings);
    check_tunables(spec, "spec", context, findings);
    check_nodes(spec, context, findings);
    check_setting_floors(spec, findings);
    check_ha(spec, findings);
    check_ports(spec, findings);
    check_users(spec, findings);
    check_scripts(spec.scripts.post_init, "spec.scripts.post_init", findings);
    check_scripts(spec.scripts.post_database_create, "spec.scripts.post_database_create", findings);
    check_services(spec, context, findings);
    return std::move(findings.problems);
}

}  // namespace pgedge
