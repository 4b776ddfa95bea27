#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/spec/database_spec.hpp"
#include "common/spec/patterns.hpp"

namespace pgedge {

/// The fields table: the only place where names, types, bounds, defaults and texts of the spec's fields stand. Reading,
/// checking, writing, sealing, merging, explaining and the JSON Schema all walk it.

enum class Kind {
    text,
    integer,
    number,  ///< only in a service's config
    boolean,
    secret,        ///< a text nobody may see
    secret_value,  ///< only in a service's config: a list or object that holds secrets, sealed as a whole
    settings,      ///< a map whose values are scalars
    texts,         ///< a list of texts
    object,
    objects,  ///< a list of objects
    config,   ///< an object whose type is that of the service's service_type
};

/// Inclusive bounds; absent: none on that side.
struct Bounds {
    std::optional<std::int64_t> least{}, most{};
    bool given() const { return least || most; }
};

/// The objects behind a field of kind object (none or one) or objects.
struct Objects {
    void* where = nullptr;
    std::size_t (*size)(void* where) = nullptr;
    void* (*at)(void* where, std::size_t index) = nullptr;
    void* (*add)(void* where) = nullptr;  ///< makes one more and answers it
};

/// Where the value of a field lives in its struct; empty for fields of a service's config, which stays JSON.
using Place = std::variant<std::monostate, std::string*, std::optional<std::string>*, int*, std::optional<int>*,
                           std::optional<std::int64_t>*, bool*, SecretValue*, Settings*, std::vector<std::string>*,
                           Json*, Objects>;

struct Type;

struct Field {
    std::string_view name;
    Kind kind = Kind::text;
    Place (*place)(void* object) = nullptr;  ///< `object` is the struct of the type that the field stands in
    bool required = false;
    Bounds range{};                    ///< of an integer or number
    Bounds length{};                   ///< of a text, of each item of texts, of each value of settings: in characters
    Bounds count{};                    ///< of items in a list or map
    const Pattern* pattern = nullptr;  ///< of a text or of each item of texts
    std::vector<std::string_view> words{};  ///< the only texts allowed; empty: any
    const Type* type = nullptr;             ///< of object and objects
    std::string_view standard{};            ///< what holds when it is left out, in words or as a value
    std::string_view doc{};
    std::string_view example{};             ///< as JSON
    std::vector<std::string_view> notes{};  ///< see note::…
    bool scalar_values = false;             ///< of settings: numbers and booleans are shown as such
    bool many_lines = false;                ///< of texts: line ends and tabs are allowed
};

/// What is worth knowing about changing a field.
namespace note {
inline constexpr std::string_view kImmutable = "cannot be changed after creation";
inline constexpr std::string_view kRestart = "a change restarts PostgreSQL";
inline constexpr std::string_view kKept = "kept as stored when left out of an update";
inline constexpr std::string_view kOnce = "read only when an instance is created";
inline constexpr std::string_view kNodeWins = "a node's own value replaces the database's";
inline constexpr std::string_view kMerged = "a node's values are laid over the database's";
inline constexpr std::string_view kNodeFirst = "a node's lines come before the database's";
inline constexpr std::string_view kDocker = "used by the docker runtime only";
}  // namespace note

struct Type {
    std::string_view name;  ///< as in the schema: "Node"
    std::string_view doc;
    std::vector<Field> fields;
    /// What names an object of this type among others, for the names of its secrets: "users/admin". Null: nothing.
    std::string (*key)(const void* object) = nullptr;
    const Field* find(std::string_view field_name) const;
    std::vector<std::string> field_names() const;
};

/// What a file of kind Database holds, header included.
struct DatabaseFile : DatabaseDocument {
    std::string api_version, kind;
    Settings labels;
};

const Type& file_type();      ///< of DatabaseFile
const Type& body_type();      ///< of DatabaseDocument: {id, tenant_id, spec}
const Type& database_type();  ///< of DatabaseSpec
const Type& node_type();      ///< of NodeSpec
const Type& backup_config_type();
const Type& restore_config_type();
const Type& ha_type();
const Type& orchestrator_opts_type();  ///< of SwarmOptsSpec
const Type& service_type();            ///< of ServiceSpec
/// Of the `config` of a service, by service_type; nullptr for an unknown one. Its fields have no place.
const Type* service_config_type(std::string_view service_type);
/// The service types there are.
std::vector<std::string_view> service_types();

}  // namespace pgedge
