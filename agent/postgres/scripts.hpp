#pragma once

#include <string>
#include <vector>

#include "agent/postgres/session.hpp"

namespace pgedge {

/// Tables of the product's own in the session's database: what was done once, which node this is, which roles were
/// granted. Made before the database becomes a node, so that they are in no replication set.
void ensure_internal_schema(Session& session, const Limit& limit);

/// Whether run_script_once() has run it. Needs the tables of ensure_internal_schema().
bool is_script_done(Session& session, const std::string& name, const Limit& limit);

/// Runs the statements in one transaction, once for the life of this database: a note that it is done commits with
/// them. A script without statements is noted too. What a script sets, and the role that it takes, last as long as the
/// session: give it one of its own. Throws Error{failed} naming the statement by its number; Error{invalid_input} when
/// one of them ends the transaction.
void run_script_once(Session& session, const std::string& name, const std::vector<std::string>& statements,
                     const Limit& limit);

/// Gives what a script made as the internal superuser, the user of this session, to the owner of the database, once for
/// the life of the database: tables, views, sequences, types, functions, schemas. Members of extensions stay, and so do
/// functions whose owner decides what they may do: those with SECURITY DEFINER and those in languages that only a
/// superuser may use. In a transaction.
void hand_over_once(Session& session, const std::string& owner, const Limit& limit);

}  // namespace pgedge
