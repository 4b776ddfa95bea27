#include "cli/connection.hpp"

#include <algorithm>
#include <set>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/net/http.hpp"
#include "common/net/url.hpp"

namespace pgedge {
namespace {

bool is_primary(const InstanceAnswer& instance) { return instance.role == "primary"; }

std::string user_of(const DatabaseAnswer& database) {
    const auto users = database.spec.find("database_users");
    if (users == database.spec.end() || !users->is_array()) return "";
    std::string first;
    for (const Json& user : *users) {
        if (!user.is_object()) continue;
        std::string name = user.value("username", "");
        if (user.value("db_owner", false)) return name;
        if (first.empty()) first = name;
    }
    return first;
}

std::vector<std::string> nodes_of(const DatabaseAnswer& database) {
    std::set<std::string> names;
    for (const auto& instance : database.instances) names.insert(instance.node_name);
    return {names.begin(), names.end()};
}

/// Instances that the choice is about, those that serve it best first.
std::vector<const InstanceAnswer*> chosen(const DatabaseAnswer& database, const ConnectionChoice& choice) {
    const auto nodes = nodes_of(database);
    if (!choice.node.empty() && std::find(nodes.begin(), nodes.end(), choice.node) == nodes.end())
        throw Error(ErrorKind::not_found, "database " + database.id + " has no node '" + choice.node + "'",
                    nodes.empty() ? "" : "its nodes: " + joined(nodes, ", "));
    std::vector<const InstanceAnswer*> all;
    for (const auto& instance : database.instances)
        if ((choice.node.empty() || instance.node_name == choice.node) &&
            (!choice.replica || instance.role == "replica"))
            all.push_back(&instance);
    std::stable_sort(all.begin(), all.end(), [](const auto* a, const auto* b) {
        const auto rank = [](const InstanceAnswer& one) {
            return (is_primary(one) ? 0 : 2) + (one.state == "available" ? 0 : 1);
        };
        return rank(*a) < rank(*b);
    });
    return all;
}

/// A value in a libpq connection string (manual, "Keyword/Value Connection Strings").
std::string libpq_value(const std::string& value) {
    const bool plain = !value.empty() && value.find_first_of(" '\\") == std::string::npos;
    if (plain) return value;
    std::string out = "'";
    for (const char c : value) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

std::string shell_word(const std::string& value) {
    std::string out = "'";
    for (const char c : value) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

/// One field of .pgpass: ':' and '\' are escaped.
std::string pgpass_field(const std::string& value) {
    std::string out;
    for (const char c : value) {
        if (c == ':' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

std::string servers_text(const Connection& connection) {
    std::vector<std::string> all;
    for (const auto& server : connection.servers) all.push_back(host_and_port(server.host, server.port));
    return joined(all, ",");
}
std::string hosts_text(const Connection& connection) {
    std::vector<std::string> all;
    for (const auto& server : connection.servers) all.push_back(server.host);
    return joined(all, ",");
}
std::string ports_text(const Connection& connection) {
    std::vector<std::string> all;
    for (const auto& server : connection.servers) all.push_back(std::to_string(server.port));
    return joined(all, ",");
}

}  // namespace

Connection connection_to(const DatabaseAnswer& database, const ConnectionChoice& choice) {
    const auto instances = chosen(database, choice);
    if (instances.empty())
        throw Error(ErrorKind::not_found,
                    "database " + database.id + " has no " + (choice.replica ? "replica" : "instance") +
                        (choice.node.empty() ? "" : " in node " + choice.node),
                    "see what it has: pgedgectl status " + database.id);
    Connection connection;
    for (const auto* instance : instances)
        if (!instance->addresses.empty() && instance->port)
            connection.servers.push_back({instance->addresses.front(), *instance->port});
    if (connection.servers.empty())
        throw Error(ErrorKind::not_found, "no instance of database " + database.id + " publishes a port",
                    "set spec.port (0: a free one is chosen) and apply it");
    connection.database = database.database_name();
    connection.user = choice.user.empty() ? user_of(database) : choice.user;
    connection.session_attributes = choice.replica ? "any" : "read-write";
    return connection;
}

std::string to_uri(const Connection& connection) {
    return "postgresql://" + (connection.user.empty() ? "" : url_encode(connection.user) + "@") +
           servers_text(connection) + "/" + url_encode(connection.database) +
           "?target_session_attrs=" + connection.session_attributes;
}

std::string to_dsn(const Connection& connection) {
    return "host=" + libpq_value(hosts_text(connection)) + " port=" + ports_text(connection) +
           " dbname=" + libpq_value(connection.database) +
           (connection.user.empty() ? "" : " user=" + libpq_value(connection.user)) +
           " target_session_attrs=" + connection.session_attributes;
}

std::string to_env(const Connection& connection) {
    return "PGHOST=" + shell_word(hosts_text(connection)) + "\nPGPORT=" + shell_word(ports_text(connection)) +
           "\nPGDATABASE=" + shell_word(connection.database) +
           (connection.user.empty() ? "" : "\nPGUSER=" + shell_word(connection.user)) +
           "\nPGTARGETSESSIONATTRS=" + connection.session_attributes + "\n";
}

std::string to_jdbc(const Connection& connection) {
    const std::string type = connection.session_attributes == "any" ? "any" : "primary";
    return "jdbc:postgresql://" + servers_text(connection) + "/" + url_encode(connection.database) + "?" +
           (connection.user.empty() ? "" : "user=" + url_encode(connection.user) + "&") + "targetServerType=" + type;
}

std::string to_pgpass(const Connection& connection) {
    std::string lines;
    for (const auto& server : connection.servers)
        lines += pgpass_field(server.host) + ":" + std::to_string(server.port) + ":" +
                 pgpass_field(connection.database) + ":" +
                 (connection.user.empty() ? "*" : pgpass_field(connection.user)) + ":PASSWORD\n";
    return lines;
}

std::string to_service(const Connection& connection, const std::string& name) {
    return "[" + name + "]\nhost=" + hosts_text(connection) + "\nport=" + ports_text(connection) +
           "\ndbname=" + connection.database + (connection.user.empty() ? "" : "\nuser=" + connection.user) +
           "\ntarget_session_attrs=" + connection.session_attributes + "\n";
}

}  // namespace pgedge
