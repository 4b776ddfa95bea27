#pragma once

#include <optional>
#include <string>

#include "agent/postgres/connection.hpp"
#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/runtime.hpp"
#include "common/base/json.hpp"

namespace pgedge {

/// The server of an instance that this host keeps. Throws Error{not_found}.
ServerSpec server_of(Runtime& runtime, const std::string& instance_id);
/// Whether anything can be done inside the server, now or when it has started. Kinds that remove what lies in a server
/// have nothing to do when it is down for good: a database whose server cannot start must be deletable.
bool is_running(Runtime& runtime, const std::string& instance_id);
/// Whether the server takes sessions. Who looks at what lies in one that does not sees nothing, and must not wait: only
/// the steps that follow the look may mend it.
bool is_ready(Runtime& runtime, const std::string& instance_id);
/// A session as superuser over the instance's own socket. Throws what Connection throws, and Error{not_found}. A server
/// that shuts us out because of a wrong line in its pg_ident.conf loses the lines of users there.
Connection connect_locally(Runtime& runtime, const std::string& instance_id, const std::string& database,
                           const Limit& limit);
/// connect_locally() to the primary of the step's node. Throws Error{unreachable} when it is none (any longer): nothing
/// of the node is made or taken away elsewhere.
Connection connect_to_primary(Runtime& runtime, const std::string& database, const StepContext& context);
/// The same, to the database that `want` names.
Connection connect_to_database(Runtime& runtime, const Json& want, const StepContext& context);
/// Whether the node's primary has the database that `want` names; the second asks in a session to any database of it.
bool has_database(Runtime& runtime, const Json& want, const StepContext& context);
bool has_database(Session& server, const Json& want, const Limit& limit);
/// Nullopt: the server runs with what its files say. Else the parameters that wait for a restart, as far as the server
/// has noticed: it marks them when it has taken a reload, which is not at once.
std::optional<std::string> waiting_for_restart(Session& server, const Limit& limit);
/// Runs the script `name` of `want` once in `database` of the node's primary, in a session of its own: what a script
/// sets there must not reach `ours`, a session to the same database.
void run_script(Runtime& runtime, Session& ours, const Json& want, const std::string& name, const std::string& database,
                const StepContext& context);

}  // namespace pgedge
