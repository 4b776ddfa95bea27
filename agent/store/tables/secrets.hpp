#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/store/store.hpp"
#include "common/base/secret.hpp"

namespace pgedge {

/// Secrets of the cluster: AES-256-GCM under a key that every agent has on its own disk and the store never sees. The
/// name is authenticated with the text, so rows cannot be swapped. Safe from any thread.
class Secrets {
public:
    /// `key` has 32 bytes.
    Secrets(Store& store, Secret key);

    SecretRef ref_of(const std::string& name, const Secret& text) const;  ///< the fingerprint is keyed
    std::string seal(std::string_view name, const Secret& text) const;
    Secret open(std::string_view name,
                std::string_view sealed) const;  ///< throws Error{failed} when it was tampered with

    /// `database_id` empty: not of a database.
    Statement put(const std::string& name, const std::string& database_id, const Secret& text) const;
    static Statement erase(const std::string& name);
    static Statement erase_of_database(const std::string& database_id);
    Secret get(const SecretRef& ref, const Limit& limit) const;  ///< throws Error{not_found}

private:
    Store& store_;
    Secret key_;
};

}  // namespace pgedge
