#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgedge {

/// The text of a postgresql.conf: one `name = 'value'` a line, sorted, values quoted so that nothing in them can end
/// the string or the line. Throws Error{invalid_input} for a name that is not a parameter name and for a value with a
/// NUL.
std::string postgresql_conf(const std::map<std::string, std::string>& settings);

/// Who may log in, in the order of the control plane's §4.3.
struct AccessRules {
    std::vector<std::string> peers{};       ///< addresses of the database's instances, this one included
    std::vector<std::string> user_lines{};  ///< of the spec, node's first; taken as they are, one entry each
    bool published = true;                  ///< whether clients of other machines may log in at all
    std::string method = "scram-sha-256";   ///< for them
    /// Whether replicas run Spock's failover-slot worker: it reads the primary's slots over primary_conninfo, in
    /// database postgres.
    bool failover_slots = false;
    bool closed = false;  ///< nobody but the internal users: its node has not got its data yet
};
/// (1) our superuser over the socket, for the operating system's users of pg_ident_conf() alone; (2) the internal users
/// by certificate from each instance; (3) the internal users from anywhere else: reject; (4) lines of users; (5)
/// everybody else by password. The control plane trusts the container's loopback at (1); here other users share the
/// machine.
std::string pg_hba_conf(const AccessRules& rules);
/// A certificate's common name, and the internal user that it logs in as.
struct CertificateLogin {
    std::string name, user;
};
/// `system_users`: the operating system's users that the agent and the server run as. See pg_hba_conf().
std::string pg_ident_conf(const std::vector<std::string>& system_users, const std::vector<CertificateLogin>& logins,
                          const std::vector<std::string>& user_lines);
/// What pg_ident_conf() wrote without the lines of users; nullopt when there are none. PostgreSQL takes such a file as
/// a whole or not at all: a line that it refuses shuts out also whom the others would let in.
std::optional<std::string> without_user_maps(std::string_view pg_ident_conf);
/// Common name of the certificate of an internal user in one database: "pgedge:storefront". Whoever runs programs as
/// the user of an instance can read its certificates; this keeps them from being of use at the servers of other
/// databases. A name has at most 64 characters (X.520, ub-common-name): of a long id, a part of its hash stands in it.
std::string certificate_name(std::string_view user, std::string_view database_id);

/// Names of the users that are the product's own.
inline constexpr std::string_view kSuperuser = "pgedge";
inline constexpr std::string_view kReplicator = "patroni_replicator";

}  // namespace pgedge
