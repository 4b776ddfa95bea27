#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/postgres/session.hpp"
#include "common/base/secret.hpp"

namespace pgedge {

/// Who may do nearly everything, without being a superuser: users of the spec get it by `roles`.
inline constexpr std::string_view kBuiltInRole = "pgedge_superuser";

/// A user of the spec, as a role.
struct WantedRole {
    std::string name;
    std::optional<Secret> password;       ///< absent: whatever it has
    std::vector<std::string> attributes;  ///< LOGIN, NOCREATEDB …; what is not named has PostgreSQL's default
    std::vector<std::string> roles;       ///< it is a member of these
};

/// Throws Error{invalid_input} when the user's name is reserved or too long, or an attribute is none of SUPERUSER,
/// CREATEDB, CREATEROLE, INHERIT, LOGIN, REPLICATION, BYPASSRLS and their NO forms.
void check_role(const WantedRole& role);

/// The product's own roles: the replicator (certificate login) and kBuiltInRole with its rights on parameters and its
/// predefined roles, as far as the server's version has them. In database postgres.
void ensure_system_roles(Session& session, const Limit& limit);

/// Makes the role, or alters it to be as wanted, without memberships. The password arrives as a SCRAM verifier, and not
/// at all when the role has it already. In database postgres, inside a transaction.
void ensure_role(Session& session, const WantedRole& role, const Limit& limit);
/// Memberships of all roles of the spec, which exist, in whatever order. Those that an earlier spec gave and this one
/// does not are taken back; others are left alone. In database postgres, inside a transaction.
void ensure_memberships(Session& session, const std::vector<WantedRole>& roles, const Limit& limit);
/// Users that an earlier spec had and this one does not lose LOGIN; their names. They are remembered until
/// forget_user(), for a try that dies before their sessions are ended. In database postgres, inside a transaction.
std::vector<std::string> shut_out_users(Session& session, const std::vector<WantedRole>& roles, const Limit& limit);
void forget_user(Session& session, const std::string& name, const Limit& limit);
/// Ends the sessions of roles that may not log in. Throws Error{timed_out} when one does not end.
void end_sessions_without_login(Session& session, const Limit& limit);

/// Owner, and the rights of users and of kBuiltInRole in the application's database, where the session is.
void ensure_database_rights(Session& session, const std::string& database, const std::optional<std::string>& owner,
                            const std::vector<std::string>& users, std::string_view extension_schema,
                            const Limit& limit);

}  // namespace pgedge
