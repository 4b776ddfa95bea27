#pragma once

#include <string>
#include <vector>

#include "cli/session.hpp"

namespace pgedge {

/// The database or host of that id. Throws the agent's Error{not_found} with a hint that names the one that may be
/// meant, or those that there are.
DatabaseAnswer named_database(Session& session, const std::string& id);
HostAnswer named_host(Session& session, const std::string& id);
/// The same for the nodes of a database, and for one of them.
std::vector<NodeAnswer> named_nodes(Session& session, const std::string& database);
NodeAnswer named_node(Session& session, const std::string& database, const std::string& node);
/// That node, or all that have replicas. Throws Error{invalid_input} when there is none.
std::vector<NodeAnswer> chosen_nodes(Session& session, const std::string& database, const std::string& node);

/// "did you mean storefront?", else "there are: a, b"; empty when there is nothing to choose from.
std::string hint_of_names(const std::string& wanted, std::vector<std::string> names);

}  // namespace pgedge
