#pragma once

#include <string>
#include <string_view>

#include "common/base/secret.hpp"

namespace pgedge {

/// Rounds of PBKDF2, as PostgreSQL's own scram_iterations.
inline constexpr int kScramIterations = 4096;

/// What PostgreSQL stores for a password: "SCRAM-SHA-256$4096:<salt>$<StoredKey>:<ServerKey>" (RFC 5803). It is made
/// here so that the password itself never travels to the server, its log or its statistics. The text is taken byte for
/// byte (PostgreSQL does so too when SASLprep does not apply; passwords outside ASCII that SASLprep would change are
/// refused with Error{invalid_input}, because clients would send something else).
std::string scram_verifier(const Secret& password);
/// The same with a given salt, for tests. Does not look at what SASLprep would do.
std::string scram_verifier(const Secret& password, std::string_view salt, int iterations);
/// Whether `verifier` was made of this password: tells if a role needs a new one. False for any other form of hash.
bool scram_matches(const Secret& password, std::string_view verifier);

}  // namespace pgedge
