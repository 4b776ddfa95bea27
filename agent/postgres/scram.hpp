#pragma once

#include <string>
#include <string_view>

#include "common/base/secret.hpp"

namespace pgedge {

/// What PostgreSQL stores for a password: "SCRAM-SHA-256$4096:<salt>$<StoredKey>:<ServerKey>" (RFC 5803). It is made
/// here so that the password itself never travels to the server, its log or its statistics, and by libpq, whose
/// SASLprep (RFC 4013) is the one that clients use. Throws Error{invalid_input} when it is empty or holds a zero byte.
std::string scram_verifier(const Secret& password);
/// The same with a given salt, byte for byte: without SASLprep.
std::string scram_verifier(const Secret& password, std::string_view salt, int iterations);
/// Whether `verifier` was made of this password: tells if a role needs a new one. False for any other form of hash, and
/// for a password that SASLprep changes (few outside ASCII are: compatibility characters, unusual blanks).
bool scram_matches(const Secret& password, std::string_view verifier);

}  // namespace pgedge
