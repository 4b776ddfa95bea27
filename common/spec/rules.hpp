#pragma once

#include <string>
#include <vector>

#include "common/spec/validate.hpp"

namespace pgedge {

/// Where rules note what they find. Paths are those of the document: "spec.nodes[0].port".
class Findings {
public:
    void add(std::string path, std::string text, std::string hint = {}, std::string name = "invalid_input") {
        add_problem(
            problems,
            {.path = std::move(path), .text = std::move(text), .hint = std::move(hint), .name = std::move(name)});
    }
    std::vector<Problem> problems;
};

/// The rules, by topic; validate() runs them all.
void check_users(const DatabaseSpec& spec, Findings& findings);
void check_nodes(const DatabaseSpec& spec, const ValidationContext& context, Findings& findings);
/// What the database and each node may set: limits, settings, pg_hba, pg_ident, backups, restore, labels.
void check_tunables(const TunableSpec& spec, const std::string& path, const ValidationContext& context,
                    Findings& findings);
/// Whether each node's settings leave replication between all of them enough of what a server has.
void check_setting_floors(const DatabaseSpec& spec, Findings& findings);
void check_limits(const std::optional<std::string>& cpus, const std::optional<std::string>& memory,
                  const std::string& path, Findings& findings);
void check_labels(const std::optional<SwarmOptsSpec>& options, const std::string& path, Findings& findings);
/// Modes, times, and whether each node has the replicas that its commits shall wait for.
void check_ha(const DatabaseSpec& spec, Findings& findings);
/// Ports are counted per host over all nodes and services; 0 and absent ones are not.
void check_ports(const DatabaseSpec& spec, Findings& findings);
void check_services(const DatabaseSpec& spec, const ValidationContext& context, Findings& findings);

}  // namespace pgedge
