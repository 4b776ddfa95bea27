#include "common/model/host.hpp"

#include <algorithm>

#include "common/base/names.hpp"

namespace pgedge {
namespace {

constexpr NameTable<HostState, 4> kHostStates{"host state",
                                              {{{HostState::healthy, "healthy"},
                                                {HostState::degraded, "degraded"},
                                                {HostState::unreachable, "unreachable"},
                                                {HostState::unknown, "unknown"}}}};

Json to_json(const PostgresVersion& version) {
    return {{"postgres", version.postgres},
            {"dialect", version.dialect},
            {"extension", version.extension},
            {"bin_dir", version.bin_dir}};
}

PostgresVersion version_from_json(const Json& stored) {
    return {stored.at("postgres"), stored.at("dialect"), stored.at("extension"), stored.at("bin_dir")};
}

Json to_json(const PostgresInstallation& one) {
    return {{"postgres", one.postgres}, {"bin_dir", one.bin_dir}, {"extensions", one.extensions}};
}

/// Absent in what older agents say of themselves.
std::vector<PostgresInstallation> installations_from_json(const Json& host) {
    std::vector<PostgresInstallation> installations;
    const auto stored = host.find("installations");
    if (stored == host.end()) return installations;
    for (const auto& one : *stored)
        installations.push_back(
            {one.at("postgres"), one.at("bin_dir"), one.at("extensions").get<std::map<std::string, std::string>>()});
    return installations;
}

}  // namespace

Json to_json_text(const ComponentHealth& health) {
    return {{"healthy", health.healthy}, {"error", health.error}, {"details", health.details}};
}

ComponentHealth component_health_from_json(const Json& stored) {
    try {
        return {stored.at("healthy"), stored.at("error"), stored.at("details")};
    } catch (const Json::exception& error) {
        throw Error(ErrorKind::invalid_input,
                    std::string("the stored health of a component cannot be read: ") + error.what());
    }
}

std::string_view to_string(HostState state) { return kHostStates.name_of(state); }

Json to_json_text(const Host& host) {
    Json versions = Json::array(), installations = Json::array(), components = Json::object();
    for (const auto& one : host.installations) installations.push_back(to_json(one));
    for (const auto& version : host.versions) versions.push_back(to_json(version));
    for (const auto& [name, health] : host.components) components[name] = to_json_text(health);
    return {{"id", host.id},
            {"runtime", host.runtime},
            {"data_dir", host.data_dir},
            {"peer_addresses", host.peer_addresses},
            {"client_addresses", host.client_addresses},
            {"http_port", host.http_port},
            {"peer_port", host.peer_port},
            {"store_port", host.store_port},
            {"http_tls", host.http_tls},
            {"cpus", host.cpus},
            {"memory_bytes", host.memory_bytes},
            {"versions", std::move(versions)},
            {"installations", std::move(installations)},
            {"agent_version", host.agent_version},
            {"level", host.level},
            {"voter", host.voter},
            {"state", to_string(host.state)},
            {"updated_at", to_rfc3339_ms(host.updated_at)},
            {"components", std::move(components)}};
}

Host host_from_json(const Json& stored) {
    try {
        Host host;
        stored.at("id").get_to(host.id);
        stored.at("runtime").get_to(host.runtime);
        stored.at("data_dir").get_to(host.data_dir);
        stored.at("peer_addresses").get_to(host.peer_addresses);
        stored.at("client_addresses").get_to(host.client_addresses);
        stored.at("http_port").get_to(host.http_port);
        stored.at("peer_port").get_to(host.peer_port);
        stored.at("store_port").get_to(host.store_port);
        stored.at("http_tls").get_to(host.http_tls);
        stored.at("cpus").get_to(host.cpus);
        stored.at("memory_bytes").get_to(host.memory_bytes);
        for (const auto& version : stored.at("versions")) host.versions.push_back(version_from_json(version));
        host.installations = installations_from_json(stored);
        stored.at("agent_version").get_to(host.agent_version);
        host.level = stored.value("level", std::int64_t{1});  // the first version told none
        stored.at("voter").get_to(host.voter);
        host.state = kHostStates.value_of(stored.at("state").get_ref<const std::string&>());
        host.updated_at = parse_rfc3339(stored.at("updated_at").get_ref<const std::string&>());
        for (const auto& [name, health] : stored.at("components").items())
            host.components[name] = component_health_from_json(health);
        return host;
    } catch (const Json::exception& error) {
        throw Error(ErrorKind::invalid_input,
                    std::string("the stored record of a host cannot be read: ") + error.what());
    }
}

std::optional<std::string> first_ipv4(const std::vector<std::string>& addresses) {
    const auto found = std::find_if(addresses.begin(), addresses.end(), [](const std::string& address) {
        return address.find_first_not_of("0123456789.") == std::string::npos;
    });
    return found == addresses.end() ? std::nullopt : std::optional(*found);
}

}  // namespace pgedge
