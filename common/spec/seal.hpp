#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/secret.hpp"
#include "common/spec/database_spec.hpp"

namespace pgedge {

/// Stores `text` under `name` and answers its reference; called once for each secret that was given.
using SealSecret = std::function<SecretRef(const std::string& name, const Secret& text)>;

/// Replaces every secret of the spec that was given by a reference, also those inside services[].config. Names are
/// stable: "database/<id>/users/<username>/password", "database/<id>/repositories/<key>/s3_key",
/// "database/<id>/nodes/<node>/repositories/<key>/s3_key", "database/<id>/services/<service>/config/<path>". In a
/// config the reference is {"secret": name, "fingerprint": hex}; with "json": true when the secret is a list or an
/// object.
void seal_secrets(const std::string& database_id, DatabaseSpec& spec, const SealSecret& seal);
/// Every reference in the spec: what must stay in the store.
std::vector<SecretRef> secret_refs(const DatabaseSpec& spec);
/// True when a text stands in a secret field: such a spec must not be stored, logged or put into a plan.
bool holds_secret_text(const DatabaseSpec& spec);

}  // namespace pgedge
