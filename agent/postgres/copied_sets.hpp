#pragma once

#include "agent/postgres/dialect.hpp"
#include "agent/postgres/session.hpp"

namespace pgedge {

/// Replication sets of another node of the database, with their tables, columns and row filters: also that a table is
/// in none. The tables are there already. Sessions are of a superuser in the node's databases.
void copy_replication_sets(Session& from, Session& to, const ReplicationDialect& dialect, const Limit& limit);

/// Sequences continue behind the values of another node, each with the numbers of its own node (sequences.sql), and
/// past the rows that have such numbers already: those of an earlier node of this name.
void copy_sequence_values(Session& from, Session& to, const Limit& limit);

}  // namespace pgedge
