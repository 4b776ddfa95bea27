#include "common/spec/merge.hpp"

#include <map>

#include "common/spec/walk_secrets.hpp"

namespace pgedge {
namespace {

template <class Value>
void keep(std::optional<Value>& wanted, const std::optional<Value>& stored) {
    if (!wanted) wanted = stored;
}

/// "nodes/n1/repositories/ab12/s3_key" → "repositories/ab12/s3_key": the same repository at any place of the spec.
std::string anywhere(const std::string& name) {
    if (!name.starts_with("nodes/")) return name;
    const auto after = name.find('/', std::string_view("nodes/").size());
    return after == std::string::npos ? name : name.substr(after + 1);
}

}  // namespace

void merge_omitted(DatabaseSpec& wanted, const DatabaseSpec& stored) {
    keep(wanted.postgres_version, stored.postgres_version);
    keep(wanted.spock_version, stored.spock_version);
    for (auto& node : wanted.nodes)
        for (const auto& known : stored.nodes)
            if (known.name == node.name) keep(node.postgres_version, known.postgres_version);

    std::map<std::string, SecretValue> by_place, by_name;
    walk_secrets(stored, SecretDepth::whole, [&](const SecretPlace& place, const SecretValue& value) {
        if (value.absent() || place.in_config) return;
        by_place.emplace(place.name, value);
        by_name.emplace(anywhere(place.name), value);
    });
    walk_secrets(wanted, SecretDepth::whole, [&](const SecretPlace& place, SecretValue& value) {
        if (!value.absent()) return;
        const auto same_place = by_place.find(place.name);
        const auto same_name = by_name.find(anywhere(place.name));
        if (same_place != by_place.end())
            value = same_place->second;
        else if (same_name != by_name.end())
            value = same_name->second;
    });
}

}  // namespace pgedge
