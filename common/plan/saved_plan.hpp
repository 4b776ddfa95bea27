#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/clock.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {

/// What a saved plan does to one object.
struct SavedOperation {
    std::string operation;  ///< create, update or delete
    std::string kind;       ///< "Database"
    std::string id;
    /// What was asked for, as the user wrote it: secrets only as references (env:, file:, generate:, keep) or not at
    /// all. An empty object for a delete.
    Json document = Json::object();
    std::int64_t base_revision = 0;  ///< of the object when it was planned; 0: it did not exist
    std::string digest;              ///< of the plan, as the agent made it: another one means that something moved
    Plan plan;
    std::vector<std::string> warnings;
    bool force_update = false;              ///< also what does not differ was to be touched; always false for a create
    std::vector<std::string> remove_hosts;  ///< were to be treated as lost; none for a create
    bool operator==(const SavedOperation&) const = default;
};

/// `pgedgectl plan --out FILE`: what was shown, so that exactly this can be applied later.
struct SavedPlan {
    std::string tool_version;  ///< of the pgedgectl that wrote it
    std::string cluster_id;
    std::string author;  ///< user@machine
    WallTime created_at{};
    std::string inputs_digest;  ///< SHA-256 in hexadecimal of the files it was made from; empty: there were none
    std::vector<SavedOperation> objects;

    bool changes() const;  ///< some object has a step
    bool operator==(const SavedPlan&) const = default;
};

/// Largest file that is read as a saved plan, in bytes.
inline constexpr std::size_t kMaxSavedPlan = 64 * 1024 * 1024;

/// One JSON document, indented, with a newline at its end. Throws Error{invalid_input} when a document holds a password
/// or another secret in clear: a saved plan goes into reviews and archives.
std::string to_document(const SavedPlan& plan);
/// Throws Error{invalid_input}: not JSON, another format, missing, unknown or contradictory members, secrets in clear.
SavedPlan read_saved_plan(std::string_view document);

}  // namespace pgedge
