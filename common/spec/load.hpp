#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.hpp"
#include "common/spec/database_spec.hpp"
#include "common/spec/document.hpp"
#include "common/spec/problem.hpp"

namespace pgedge {

/// A document of kind Database from a file. Its secrets are still references ("env:NAME"): see resolve.hpp.
struct LoadedDatabase {
    DatabaseDocument document;
    std::map<std::string, std::string> labels;
    std::string file;
    std::filesystem::path base_dir;  ///< what `file:` references are relative to
    Places places;                   ///< where each value stands, for problems that are found later: see place()
};

/// What files hold. Use `databases` only when `problems` is empty.
struct Loaded {
    std::vector<LoadedDatabase> databases;
    std::vector<Problem> problems;
    std::vector<Problem> warnings;  ///< e.g. a literal where a reference to a secret should stand
};

struct LoadOptions {
    bool strict = false;  ///< literals in secret fields are problems, not warnings
};

/// Largest file of specs, in bytes.
inline constexpr std::size_t kMaxSpecFile = 1 << 20;

/// Reads every document of a YAML or JSON text and checks all rules that need neither host nor stored spec.
/// `file` is the name that problems show; text that starts as JSON and is valid JSON is read as JSON. Never throws for
/// what the text holds.
Loaded load_text(std::string_view text, const std::string& file, const std::filesystem::path& base_dir,
                 const LoadOptions& options = {});
/// The same for a file, or for every *.yaml, *.yml and *.json file of a directory, in order of name. Throws
/// Error{not_found} or Error{failed} when it cannot be read.
Loaded load_file(const std::filesystem::path& path, const LoadOptions& options = {});
/// Fills file, line and column of problems, of a value or of what it stands in.
void place_in(std::vector<Problem>& problems, const std::string& file, const Places& places);
/// The same for problems that were found later, e.g. by validate().
void place(std::vector<Problem>& problems, const LoadedDatabase& database);

/// The body of POST /v1/databases and POST /v1/databases/{id}: {"id"?, "tenant_id"?, "spec"}. Secrets are taken as they
/// are. Checks all rules that need neither host nor stored spec; the rest is for merge.hpp and validate.hpp.
/// Throws Error{invalid_input} with all problems, a line each, "nodes[0].port: …".
DatabaseDocument load_body(const Json& body);
/// `restore_config` of the body of POST /v1/databases/{id}/restore. Without a repository its type is empty. Throws
/// Error{invalid_input} with all problems, "restore_config.source_node_name: …".
RestoreConfigSpec load_restore_config(const Json& config);

}  // namespace pgedge
