#pragma once

#include <string>
#include <vector>

namespace pgedge {

/// The schema `pgedge` of an application database: statements that make it or bring it up to date, each of its own.
///
///   pgedge.node(ordinal)            which node this is: 1..16
///   pgedge.done(what, at)           what is done once only (scripts)
///   pgedge.spread_sequence(seq)     gives a sequence the numbers of this node; an event trigger calls it for new ones
///   pgedge.adopt()                  does for all tables and sequences what the triggers do for new ones
///
/// and, unless the extension sends DDL itself, event triggers that queue DDL for the other nodes, put tables into
/// replication sets, and take dropped ones out (reference: replication.md §7, §8).
std::vector<std::string> schema_support_statements(bool extension_sends_ddl);

}  // namespace pgedge
