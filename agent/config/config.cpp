#include "agent/config/config.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/net/url.hpp"

namespace pgedge {
namespace {

/// Takes the text of one key into the configuration; throws Error{invalid_input} without the key's name.
using Take = void (*)(AgentConfig&, const std::string& text);

struct Key {
    std::string_view name;  ///< dots for nesting: "http.port" is PGEDGE_HTTP__PORT
    std::string_view fallback, meaning;
    Take take;
};

int to_number(const std::string& text, int least, int most) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
        throw Error(ErrorKind::invalid_input, fmt::format("'{}' is not a number from {} to {}", text, least, most));
    return value;
}
int to_port(const std::string& text) { return to_number(text, 1, 65535); }

bool to_bool(const std::string& text) {
    if (text == "true" || text == "1") return true;
    if (text == "false" || text == "0") return false;
    throw Error(ErrorKind::invalid_input, fmt::format("'{}' is neither true nor false", text));
}

std::vector<std::string> to_addresses(const std::string& text) {
    std::vector<std::string> addresses;
    for (const auto& part : split(text, ',')) {
        const std::string address(trimmed(part));
        if (!is_ip_address(address))
            throw Error(ErrorKind::invalid_input, fmt::format("'{}' is not an IP address", address));
        addresses.push_back(address);
    }
    return addresses;
}

/// "192.0.2.7:8079,[2001:db8::1]:8079"
std::vector<AddressAndPort> to_addresses_with_port(const std::string& text) {
    std::vector<AddressAndPort> places;
    for (const auto& part : split(text, ',')) {
        const std::string place(trimmed(part));
        const auto colon = place.rfind(':');
        auto address = place.substr(0, colon);
        if (address.starts_with('[') && address.ends_with(']'))
            address = address.substr(1, address.size() - 2);
        else if (address.find(':') != std::string::npos)
            address.clear();  // an IPv6 address without brackets: where its port begins is a guess
        if (colon == std::string::npos || !is_ip_address(address))
            throw Error(ErrorKind::invalid_input,
                        fmt::format("'{}' is not an IP address with a port, e.g. 192.0.2.7:8079 or [::1]:8079", place));
        places.push_back({address, to_port(place.substr(colon + 1))});
    }
    return places;
}

std::vector<std::string> to_directories(const std::string& text) {
    std::vector<std::string> directories;
    for (const auto& part : split(text, ',')) {
        const std::string directory(trimmed(part));
        if (!directory.starts_with('/'))
            throw Error(ErrorKind::invalid_input, fmt::format("'{}' is not an absolute path", directory));
        directories.push_back(directory);
    }
    return directories;
}

std::vector<std::string> to_names(const std::string& text) {
    std::vector<std::string> names;
    for (const auto& part : split(text, ',')) {
        const auto name = canonical_host(trimmed(part));
        if (!name)
            throw Error(ErrorKind::invalid_input,
                        fmt::format("'{}' is not a host name or address (without a port)", part));
        names.push_back(*name);
    }
    return names;
}

std::string to_absolute(const std::string& text) {
    if (!text.starts_with('/')) throw Error(ErrorKind::invalid_input, "'" + text + "' is not an absolute path");
    return text;
}

std::string to_host_id(const std::string& text) {
    if (is_identifier(text)) return text;
    throw Error(
        ErrorKind::invalid_input,
        fmt::format("'{}' is not a host id: 1 to 36 of a-z, 0-9 and single hyphens, no hyphen at the ends", text));
}

constexpr std::array kKeys{
    Key{"host_id", "the short host name", "Name of this host in its cluster; stays for life",
        [](AgentConfig& c, const std::string& t) { c.host_id = to_host_id(t); }},
    Key{"data_dir", "required", "Where everything of this agent lives",
        [](AgentConfig& c, const std::string& t) { c.data_dir = to_absolute(t); }},
    Key{"orchestrator", "process", "How instances run: process or docker",
        [](AgentConfig& c, const std::string& t) {
            if (t == "process" || t == "systemd")
                c.orchestrator = "process";
            else if (t == "docker" || t == "swarm")
                c.orchestrator = "docker";
            else
                throw Error(ErrorKind::invalid_input, "'" + t + "' is not an orchestrator; use process or docker");
        }},
    Key{"peer_addresses", "first address that is not loopback", "Addresses for other agents and instances",
        [](AgentConfig& c, const std::string& t) { c.peer_addresses = to_addresses(t); }},
    Key{"client_addresses", "peer_addresses", "Addresses for clients of PostgreSQL and of the API",
        [](AgentConfig& c, const std::string& t) { c.client_addresses = to_addresses(t); }},
    Key{"instance_user", "postgres", "User that runs PostgreSQL when the agent is root",
        [](AgentConfig& c, const std::string& t) { c.instance_user = t; }},
    Key{"postgres.bin_dirs", "/usr/lib/postgresql/*/bin",
        "Directories with PostgreSQL's programs; * is any name, so that one entry covers all versions",
        [](AgentConfig& c, const std::string& t) { c.postgres_bin_dirs = to_directories(t); }},
    Key{"docker.socket", "/var/run/docker.sock", "Unix socket of Docker",
        [](AgentConfig& c, const std::string& t) { c.docker_socket = to_absolute(t); }},
    Key{"docker.manifest", "none", "File: PostgreSQL versions and the images that have them; docker needs it",
        [](AgentConfig& c, const std::string& t) { c.docker_manifest = to_absolute(t); }},
    Key{"docker.credentials", "none", "File of docker login: passwords of registries",
        [](AgentConfig& c, const std::string& t) { c.docker_credentials = to_absolute(t); }},
    Key{"http.bind_addr", "first client address", "Address of the HTTP API",
        [](AgentConfig& c, const std::string& t) { c.http_bind_address = to_addresses(t).at(0); }},
    Key{"http.port", "3000", "Port of the HTTP API",
        [](AgentConfig& c, const std::string& t) { c.http_port = to_port(t); }},
    Key{"http.socket", "<data_dir>/run/agent.sock", "Unix socket of the HTTP API",
        [](AgentConfig& c, const std::string& t) { c.http_socket = t; }},
    Key{"http.insecure", "false", "Allow plain HTTP on an address that is not loopback",
        [](AgentConfig& c, const std::string& t) { c.http_insecure = to_bool(t); }},
    Key{"http.ca_cert", "none", "File: clients must show a certificate of this authority",
        [](AgentConfig& c, const std::string& t) { c.http_ca_cert = t; }},
    Key{"http.server_cert", "none", "File: certificate of the HTTP API",
        [](AgentConfig& c, const std::string& t) { c.http_server_cert = t; }},
    Key{"http.server_key", "none", "File: its private key",
        [](AgentConfig& c, const std::string& t) { c.http_server_key = t; }},
    Key{"http.client_cert", "none", "File: certificate shown to the API of another agent when this one joins",
        [](AgentConfig& c, const std::string& t) { c.http_client_cert = t; }},
    Key{"http.client_key", "none", "File: its private key",
        [](AgentConfig& c, const std::string& t) { c.http_client_key = t; }},
    Key{"http.server_names", "none", "Further names of this host that clients of the API may use",
        [](AgentConfig& c, const std::string& t) { c.http_server_names = to_names(t); }},
    Key{"postgres_ha.listen", "none", "More addresses with ports (a list) that serve the Postgres HA API alone",
        [](AgentConfig& c, const std::string& t) { c.postgres_ha_listen = to_addresses_with_port(t); }},
    Key{"store.peer_port", "2379", "Port for calls between agents (always mTLS)",
        [](AgentConfig& c, const std::string& t) { c.peer_port = to_port(t); }},
    Key{"store.raft_port", "2380", "Port for the replication of the store (always mTLS)",
        [](AgentConfig& c, const std::string& t) { c.store_port = to_port(t); }},
    Key{"stop_grace_period_seconds", "30", "How long requests under way may take to end when the agent stops",
        [](AgentConfig& c, const std::string& t) {
            c.stop_grace_period = std::chrono::seconds(to_number(t, 0, 3600));
        }},
    Key{"random_ports.min", "5432", "Least port for `port: 0`",
        [](AgentConfig& c, const std::string& t) { c.random_port_min = to_port(t); }},
    Key{"random_ports.max", "15432", "Greatest port for `port: 0`",
        [](AgentConfig& c, const std::string& t) { c.random_port_max = to_port(t); }},
    Key{"tasks.keep_days", "90", "Finished tasks older than this are forgotten, with their logs",
        [](AgentConfig& c, const std::string& t) { c.keep_tasks_days = to_number(t, 1, 36'500); }},
    Key{"tasks.keep_count", "10000", "Finished tasks beyond so many are forgotten, the oldest first",
        [](AgentConfig& c, const std::string& t) { c.keep_tasks_count = to_number(t, 1, 1'000'000); }},
    Key{"logging.level", "info", "debug, info, warn or error",
        [](AgentConfig& c, const std::string& t) { c.log_level = parse_log_level(t); }},
    Key{"logging.format", "text", "text or json",
        [](AgentConfig& c, const std::string& t) {
            if (t != "text" && t != "json")
                throw Error(ErrorKind::invalid_input, "'" + t + "' is neither text nor json");
            c.log_format = t == "json" ? Log::Format::json : Log::Format::text;
        }},
};

std::string variable_of(std::string_view key) {
    std::string name = "PGEDGE_";
    for (const char c : key) {
        if (c == '.')
            name += "__";
        else
            name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    return name;
}

std::string text_of(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_array()) return to_text(value);
    std::vector<std::string> parts;
    for (const auto& part : value) parts.push_back(text_of(part));
    return joined(parts, ",");
}

/// "http.port" → value, for every leaf of the file.
void flatten(const Json& value, const std::string& prefix, std::map<std::string, std::string>& out) {
    for (const auto& [key, item] : value.items()) {
        const std::string name = prefix.empty() ? key : prefix + "." + key;
        if (item.is_object())
            flatten(item, name, out);
        else
            out[name] = text_of(item);
    }
}

std::string unknown(const std::string& what, const std::string& name, const std::vector<std::string>& known) {
    const auto meant = nearest(name, known);
    return fmt::format("{} {} is not known{}", what, name, meant ? "; did you mean " + *meant + "?" : "");
}

std::string short_host_name() {
    char name[256] = "";
    ::gethostname(name, sizeof name - 1);
    return std::string(name).substr(0, std::string_view(name).find('.'));
}

void add_defaults(AgentConfig& config, std::vector<std::string>& problems) {
    if (config.data_dir.empty()) problems.emplace_back("data_dir (PGEDGE_DATA_DIR): is required");
    try {
        if (config.host_id.empty()) config.host_id = to_host_id(short_host_name());
    } catch (const Error& error) {
        problems.push_back("host_id (PGEDGE_HOST_ID): the host name is no host id, so set one: " + error.text());
    }
    if (config.peer_addresses.empty()) {
        if (const auto address = first_address())
            config.peer_addresses = {*address};
        else
            problems.emplace_back("peer_addresses (PGEDGE_PEER_ADDRESSES): this machine has only loopback, so set one");
    }
    if (config.client_addresses.empty()) config.client_addresses = config.peer_addresses;
    if (config.http_bind_address.empty() && !config.client_addresses.empty())
        config.http_bind_address = config.client_addresses.front();
    if (config.http_socket.empty()) config.http_socket = config.data_dir / "run" / "agent.sock";
    if (config.instance_user.empty()) config.instance_user = "postgres";
}

void check_together(const AgentConfig& config, std::vector<std::string>& problems) {
    const bool any_tls =
        !config.http_ca_cert.empty() || !config.http_server_cert.empty() || !config.http_server_key.empty();
    const bool all_tls =
        !config.http_ca_cert.empty() && !config.http_server_cert.empty() && !config.http_server_key.empty();
    if (any_tls && !all_tls)
        problems.emplace_back("http.ca_cert, http.server_cert and http.server_key: set all three for TLS, or none");
    if (config.http_client_cert.empty() != config.http_client_key.empty())
        problems.emplace_back("http.client_cert and http.client_key: set both, or none");
    if (!any_tls && !config.http_insecure && !is_loopback(config.http_bind_address))
        problems.push_back(
            fmt::format("http.bind_addr: {} is reachable from other machines and the API has no TLS; set the "
                        "http.*_cert files, or http.insecure (PGEDGE_HTTP__INSECURE) to true",
                        config.http_bind_address));
    for (const auto& place : config.postgres_ha_listen)
        if (!any_tls && !config.http_insecure && !is_loopback(place.address))
            problems.push_back(
                fmt::format("postgres_ha.listen: {} is reachable from other machines and the API has no TLS; set the "
                            "http.*_cert files, or http.insecure (PGEDGE_HTTP__INSECURE) to true",
                            host_and_port(place.address, place.port)));
    if (config.orchestrator == "docker" && config.docker_manifest.empty())
        problems.emplace_back("docker.manifest (PGEDGE_DOCKER__MANIFEST): is required with orchestrator docker");
    if (config.random_port_min > config.random_port_max) problems.emplace_back("random_ports: min is greater than max");
    if (config.http_port == config.peer_port || config.http_port == config.store_port ||
        config.peer_port == config.store_port)
        problems.emplace_back("http.port, store.peer_port and store.raft_port: must differ");
}

}  // namespace

AgentConfig load_config(const Json& file, const Environment& environment, const std::vector<std::string>& variables) {
    AgentConfig config;
    std::vector<std::string> problems, key_names, variable_names;
    std::map<std::string, std::string> given;
    flatten(file, "", given);
    for (const auto& key : kKeys) {
        const std::string name(key.name), variable = variable_of(key.name);
        key_names.push_back(name);
        variable_names.push_back(variable);
        const auto in_file = given.find(name);
        const auto in_environment = environment(variable);
        if (in_file == given.end() && !in_environment) continue;
        try {
            key.take(config, in_environment ? *in_environment : in_file->second);
        } catch (const Error& error) {
            problems.push_back((in_environment ? variable : name) + ": " + error.text());
        }
    }
    for (const auto& [name, value] : given)
        if (std::find(key_names.begin(), key_names.end(), name) == key_names.end())
            problems.push_back(unknown("key", name, key_names));
    for (const auto& variable : variables)
        if (std::find(variable_names.begin(), variable_names.end(), variable) == variable_names.end())
            problems.push_back(unknown("environment variable", variable, variable_names));
    add_defaults(config, problems);
    if (problems.empty()) check_together(config, problems);
    if (!problems.empty())
        throw Error(ErrorKind::invalid_input, "the configuration has mistakes:\n  " + joined(problems, "\n  "),
                    "pgedge-agent run --help lists all keys");
    return config;
}

AgentConfig load_config(const std::filesystem::path& file) {
    const Json from_file =
        file.empty() ? Json::object() : within("reading " + file.string(), [&] { return parse_json(read_file(file)); });
    if (!from_file.is_object()) throw Error(ErrorKind::invalid_input, file.string() + " is not a JSON object");
    std::vector<std::string> variables;
    for (char** line = environ; *line; ++line)
        if (const std::string_view text(*line); text.starts_with("PGEDGE_"))
            variables.emplace_back(text.substr(0, text.find('=')));
    return load_config(
        from_file,
        [](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            return value ? std::optional<std::string>(value) : std::nullopt;
        },
        variables);
}

std::string describe_config() {
    std::string text;
    for (const auto& key : kKeys)
        text += fmt::format("  {:<26} {:<34} {} (default: {})\n", key.name, variable_of(key.name), key.meaning,
                            key.fallback);
    return text;
}

std::optional<std::string> first_address() {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return std::nullopt;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, &::freeifaddrs);
    for (const int family : {AF_INET, AF_INET6}) {
        for (const ifaddrs* at = all; at; at = at->ifa_next) {
            if (!at->ifa_addr || at->ifa_addr->sa_family != family) continue;
            char text[INET6_ADDRSTRLEN] = "";
            const void* raw =
                family == AF_INET
                    ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr)
                    : &reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr;
            ::inet_ntop(family, raw, text, sizeof text);
            const std::string_view address(text);
            if (!is_loopback(address) && !address.starts_with("fe80:")) return std::string(address);
        }
    }
    return std::nullopt;
}

bool is_loopback(std::string_view address) { return address.starts_with("127.") || address == "::1"; }

}  // namespace pgedge
