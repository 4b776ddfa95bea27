#pragma once

#include <functional>
#include <string>

#include "common/base/secret.hpp"
#include "common/spec/database_spec.hpp"
#include "common/spec/fields.hpp"

namespace pgedge {

/// A secret field of a spec, given or not.
struct SecretPlace {
    std::string path;  ///< "spec.database_users[0].password"
    std::string name;  ///< stable within the database: "users/admin/password"; no name comes twice
    const Field* field = nullptr;
    bool is_json = false;    ///< the secret's text is JSON: a list or an object of a service's config
    bool in_config = false;  ///< stands in a service's config, where nothing is kept when it is left out
};

/// How values of kind secret_value are seen: as one secret, or as the secrets inside them.
enum class SecretDepth { whole, inside };

/// Calls `visit` for every secret field, absent ones included; what it does to the value is written back.
void walk_secrets(DatabaseSpec& spec, SecretDepth depth,
                  const std::function<void(const SecretPlace& place, SecretValue& value)>& visit);
/// The same without changes.
void walk_secrets(const DatabaseSpec& spec, SecretDepth depth,
                  const std::function<void(const SecretPlace& place, const SecretValue& value)>& visit);

}  // namespace pgedge
