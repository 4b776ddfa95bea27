#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgedge {

/// Functions and triggers in the schema `pgedge_internal` of an application database: scripts that make them or
/// bring them up to date, to be run in this order in one transaction. The schema's tables are there before
/// (scripts.hpp). It is not called `pgedge`, because the default search_path would put unqualified tables of the user
/// of that name into it.
///
///   place_sequence(seq)    gives a sequence the numbers of this node; an event trigger calls it for new ones
///   adopt()                does for all tables and sequences what the triggers do for new ones
///   watch()                puts right what no trigger sees, e.g. setval(); the agent calls it all the time
///   after_setval(seq)      for users who cannot wait for watch()
///
/// and, unless the extension sends DDL itself, event triggers that queue DDL for the other nodes, put tables into
/// replication sets, and take dropped ones out (agent/postgres/sql).
std::vector<std::string> schema_support_scripts(std::string_view dialect);

}  // namespace pgedge
