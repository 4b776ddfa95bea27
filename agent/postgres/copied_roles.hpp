#pragma once

#include <string>

#include "agent/postgres/session.hpp"

namespace pgedge {

/// Roles of the server `from` that the server of `to` lacks, with passwords, memberships and settings, and the settings
/// and rights of the database, which exists on both. The product's own roles are left alone; what a role that exists
/// has already stays. `to` is a session of a superuser in database postgres: in a node's database roles may be sent.
/// Can be repeated.
void copy_roles(Session& from, Session& to, const std::string& database, const Limit& limit);

}  // namespace pgedge
