#pragma once

#include <ostream>
#include <string>

#include "cli/session.hpp"
#include "common/base/size_text.hpp"

namespace pgedge {

/// One database for people: state, nodes and instances with their roles, addresses and replication.
void show_database(std::ostream& out, const Style& style, const DatabaseAnswer& database);
/// One host for people: addresses, versions and the health of its parts.
void show_host(std::ostream& out, const Style& style, const HostAnswer& host);
/// One task for people.
void show_task(std::ostream& out, const Style& style, const TaskAnswer& task);
/// Tables of what there is many of.
void show_hosts(std::ostream& out, const Style& style, const std::vector<HostAnswer>& hosts);
void show_databases(std::ostream& out, const Style& style, const std::vector<DatabaseAnswer>& databases);
void show_tasks(std::ostream& out, const Style& style, const std::vector<TaskAnswer>& tasks);

}  // namespace pgedge
