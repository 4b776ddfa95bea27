#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/spec/database_spec.hpp"
#include "common/spec/problem.hpp"

namespace pgedge {

/// Where the references of a file lead.
struct SecretSources {
    std::filesystem::path base_dir;  ///< of `file:path`
    /// Value of an environment variable, nullopt when it is not set.
    std::function<std::optional<std::string>(const std::string& name)> environment;
    /// The database as it is stored or as the API shows it; nullptr: it does not exist yet.
    const DatabaseSpec* stored = nullptr;
};

/// Largest file that a `file:` reference may name, in bytes.
inline constexpr std::size_t kMaxSecretFile = 64 << 10;

/// Replaces the references of a spec from a file by what they name:
///   env:NAME     the environment variable; not set or empty is a problem
///   file:path    the file's text without its last line end, relative to the spec's file, at most 64 KiB
///   generate:N   N random letters and digits (8..128), unless the database has this user or repository already: then
///   the
///                stored secret stays, so a spec can be applied twice
///   keep         the stored secret; a problem when nothing is stored
/// Anything else is the secret itself. Problems have paths that begin with "spec.".
std::vector<Problem> resolve_secrets(DatabaseSpec& spec, const SecretSources& sources);

}  // namespace pgedge
