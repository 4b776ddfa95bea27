#include "common/spec/seal.hpp"

#include "common/spec/walk_secrets.hpp"

namespace pgedge {

void seal_secrets(const std::string& database_id, DatabaseSpec& spec, const SealSecret& seal) {
    walk_secrets(spec, SecretDepth::whole, [&](const SecretPlace& place, SecretValue& value) {
        if (const auto* text = value.given()) value = seal("database/" + database_id + "/" + place.name, *text);
    });
}

std::vector<SecretRef> secret_refs(const DatabaseSpec& spec) {
    std::vector<SecretRef> refs;
    walk_secrets(spec, SecretDepth::whole, [&](const SecretPlace&, const SecretValue& value) {
        if (const auto* ref = value.stored()) refs.push_back(*ref);
    });
    return refs;
}

bool holds_secret_text(const DatabaseSpec& spec) {
    bool found = false;
    walk_secrets(spec, SecretDepth::whole,
                 [&](const SecretPlace&, const SecretValue& value) { found = found || value.given() != nullptr; });
    return found;
}

}  // namespace pgedge
