#pragma once

#include <optional>
#include <string>

namespace pgedge {

/// What a file writes in a secret field instead of the secret.
struct SecretReference {
    enum class Kind { environment, file, generate, keep };
    Kind kind = Kind::keep;
    std::string argument;  ///< name of the variable, path, or number of characters
    int length = 0;        ///< of generate
};

/// nullopt for a literal. Throws Error{invalid_input} for a reference with a mistake in it, e.g. "generate:3"; its text
/// never holds what was written.
std::optional<SecretReference> parse_secret_reference(const std::string& text);

}  // namespace pgedge
