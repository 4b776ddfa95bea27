#include "common/spec/database_spec.hpp"

namespace pgedge {
namespace {

template <class Value>
void lay_over(std::optional<Value>& value, const std::optional<Value>& over) {
    if (over) value = over;
}

std::vector<std::string> joined_lists(std::vector<std::string> first, const std::vector<std::string>& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

}  // namespace

TunableSpec effective(const DatabaseSpec& database, const NodeSpec& node) {
    TunableSpec both = database;
    lay_over(both.postgres_version, node.postgres_version);
    lay_over(both.port, node.port);
    lay_over(both.patroni_port, node.patroni_port);
    lay_over(both.cpus, node.cpus);
    lay_over(both.memory, node.memory);
    lay_over(both.backup_config, node.backup_config);
    lay_over(both.restore_config, node.restore_config);
    lay_over(both.orchestrator_opts, node.orchestrator_opts);
    lay_over(both.ha, node.ha);
    for (const auto& [name, value] : node.postgresql_conf) both.postgresql_conf[name] = value;
    // PostgreSQL takes the first line that matches, so the node's lines come first.
    both.pg_hba_conf = joined_lists(node.pg_hba_conf, database.pg_hba_conf);
    both.pg_ident_conf = joined_lists(node.pg_ident_conf, database.pg_ident_conf);
    return both;
}

}  // namespace pgedge
