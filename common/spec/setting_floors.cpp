#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/spec/rules.hpp"
#include "common/spec/server_settings.hpp"

namespace pgedge {
namespace {

constexpr double kReservedByDefault = 3;  ///< superuser_reserved_connections

std::string lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
}

/// A setting of a node, and where it stands.
struct Given {
    std::string path, text;
    double number = 0;
};

/// What a node's server gets of the numbers in the spec, by lower-case name: the database's, the node's over them.
std::map<std::string, Given> numbers_of(const DatabaseSpec& spec, std::size_t node) {
    std::map<std::string, Given> given;
    const auto add = [&](const Settings& settings, const std::string& path) {
        for (const auto& [name, text] : settings)
            if (const auto number = setting_number(name, text))
                given[lower_case(name)] = {fmt::format("{}.postgresql_conf.{}", path, name), text, *number};
    };
    add(spec.postgresql_conf, "spec");
    add(spec.nodes[node].postgresql_conf, fmt::format("spec.nodes[{}]", node));
    return given;
}

/// The server does not start when no place is left for anybody else.
void check_reserved(const std::map<std::string, Given>& given, std::map<std::string, std::string>& found) {
    const auto all = given.find("max_connections");
    if (all == given.end()) return;
    const auto number = [&](const char* name, double otherwise) {
        const auto one = given.find(name);
        return one == given.end() ? otherwise : one->second.number;
    };
    const double reserved =
        number("superuser_reserved_connections", kReservedByDefault) + number("reserved_connections", 0);
    if (all->second.number <= reserved)
        found.emplace(all->second.path, fmt::format("is {}, and {} of them are reserved: it must be greater",
                                                    all->second.text, reserved));
}

}  // namespace

void check_setting_floors(const DatabaseSpec& spec, Findings& findings) {
    const int nodes = static_cast<int>(spec.nodes.size());
    std::map<std::string, std::pair<int, std::string>> too_small;  // by path: the greatest floor, and what is wrong
    std::map<std::string, std::string> reserved;
    for (std::size_t i = 0; i < spec.nodes.size(); ++i) {
        const auto given = numbers_of(spec, i);
        check_reserved(given, reserved);
        const int replicas = std::max(static_cast<int>(spec.nodes[i].host_ids.size()) - 1, 0);
        for (const auto& floor : setting_floors(nodes, replicas)) {
            const auto one = given.find(std::string(floor.name));
            if (one == given.end() || one->second.number >= floor.least) continue;
            auto& known = too_small[one->second.path];
            if (known.first >= floor.least) continue;
            known = {floor.least, fmt::format("is {}, and node {} of {} needs at least {}: {}", one->second.text,
                                              spec.nodes[i].name, nodes, floor.least, floor.why)};
        }
    }
    for (auto& [path, floor] : too_small) findings.add(path, floor.second);
    for (auto& [path, text] : reserved)
        if (!too_small.contains(path)) findings.add(path, text);
}

}  // namespace pgedge
