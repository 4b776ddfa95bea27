#include "common/orchestrate/names.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr int kGreatestOrdinal = 9999;
/// Seconds to wait for one host of a DSN before the next is tried.
constexpr int kConnectTimeout = 3;
constexpr std::string_view kInternalUser = "pgedge";

}  // namespace

int node_ordinal(std::string_view node_name) {
    int ordinal = 0;
    const char *begin = node_name.data() + 1, *end = node_name.data() + node_name.size();
    if (node_name.size() > 1 && node_name.front() == 'n') {
        const auto [rest, problem] = std::from_chars(begin, end, ordinal);
        if (problem == std::errc() && rest == end && ordinal >= 1 && ordinal <= kGreatestOrdinal) return ordinal;
    }
    throw Error(ErrorKind::invalid_input,
                fmt::format("\"{}\" is no name of a node: n1 to n{} are", node_name, kGreatestOrdinal));
}

std::string subscription_name(std::string_view provider, std::string_view subscriber) {
    return fmt::format("sub_{}_{}", provider, subscriber);
}

std::string replication_slot_resource_name(std::string_view dialect, std::string_view database_name,
                                           std::string_view provider, std::string_view subscriber) {
    return fmt::format("{}_{}_{}_{}_{}", provider, dialect == "spock" ? "spk" : "pgl", database_name, provider,
                       subscription_name(provider, subscriber));
}

std::string physical_slot_name(std::string_view replica_instance_id) {
    std::string name(replica_instance_id);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

std::string conninfo_value(std::string_view value) {
    const auto plain = [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || std::string_view("_-.:,/").find(letter) != std::string_view::npos;
    };
    if (!value.empty() && std::all_of(value.begin(), value.end(), plain)) return std::string(value);
    std::string quoted = "'";
    for (const char letter : value) {
        if (letter == '\'' || letter == '\\') quoted += '\\';
        quoted += letter;
    }
    return quoted + "'";
}

std::string own_dsn(std::string_view database_name) {
    return fmt::format("dbname={} user={}", conninfo_value(database_name), kInternalUser);
}

std::string provider_dsn(const std::vector<ServerAddress>& instances, std::string_view database_name) {
    std::vector<std::string> hosts, ports;
    for (const auto& instance : instances) {
        hosts.push_back(instance.address);
        ports.push_back(std::to_string(instance.port));
    }
    return fmt::format(
        "host={} port={} dbname={} user={} sslmode=verify-full target_session_attrs=primary connect_timeout={}",
        conninfo_value(joined(hosts, ",")), joined(ports, ","), conninfo_value(database_name), kInternalUser,
        kConnectTimeout);
}

}  // namespace pgedge
