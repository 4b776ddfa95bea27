#pragma once

#include <string>
#include <vector>

#include "common/base/json.hpp"
#include "common/spec/database_spec.hpp"

namespace pgedge {

/// What a restore in place asks for. Its secrets are in the store.
struct RestoreWish {
    std::string id;                  ///< of this restore: data that are in their place know it
    std::vector<std::string> nodes;  ///< that get the data
    /// The backup's node, and the name that its database had there.
    std::string source_database_id, source_node, source_database_name;
    Settings repository;            ///< pgBackRest's options by name: "repo1-path"
    Json secrets = Json::object();  ///< "repo1-cipher-pass": {"secret": name, "fingerprint": …}
    Settings options;               ///< of pgbackrest restore: "type", "target", "set"
    bool operator==(const RestoreWish&) const = default;
};

Json to_json(const RestoreWish& wish);
/// Throws Error{invalid_input}.
RestoreWish restore_wish_from_json(const Json& json);

/// `config` is sealed: throws Error{internal} for a secret that is not in the store yet.
RestoreWish restore_wish(const std::string& id, const std::vector<std::string>& nodes, const RestoreConfigSpec& config);

}  // namespace pgedge
