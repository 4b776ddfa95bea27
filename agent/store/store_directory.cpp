#include "agent/store/store_directory.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "agent/store/raft/node_info.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::seconds kDelete{10};
constexpr const char* kIdentity = "identity.json";

struct StoredIdentity {
    StoreIdentity identity;
    bool has_data = false;  ///< the engine had written when the identity was
};

StoredIdentity parse_identity(const std::string& text) {
    const Json stored = parse_json(text);
    return {store_identity_from_json(stored), stored.value("has_data", false)};
}

/// nullopt when there is none. Throws Error{failed} with the path.
std::optional<StoredIdentity> read_identity(const fs::path& directory) {
    const fs::path file = directory / kIdentity;
    const auto text = read_file_if_there(file);
    if (!text) return std::nullopt;
    try {
        return parse_identity(*text);
    } catch (const std::exception& error) {
        throw Error(ErrorKind::failed, fmt::format("{} cannot be read: {}", file.string(), error.what()));
    }
}

}  // namespace

Json to_json(const StoreIdentity& identity) {
    return {{"cluster_id", identity.cluster_id},
            {"host_id", identity.host_id},
            {"node_id", std::to_string(identity.node_id)}};
}

StoreIdentity store_identity_from_json(const Json& stored) {
    const auto node_id = parse_node_id(stored.at("node_id").get<std::string>());
    if (!node_id) throw Error(ErrorKind::failed, "the node's id is not a number");
    return {.cluster_id = stored.at("cluster_id"), .host_id = stored.at("host_id"), .node_id = *node_id};
}

StoreDirectory::StoreDirectory(fs::path path) : path_(std::move(path)) {
    make_trusted_directory(path_, 0700);
    make_trusted_directory(engine(), 0700);
    lock_ = lock_directory(path_);
    if (!lock_)
        throw Error(ErrorKind::conflict, fmt::format("another agent uses {}", path_.string()),
                    "stop it, or give this one a data directory of its own");
}

std::optional<StoreIdentity> StoreDirectory::identity() const {
    const auto stored = read_identity(path_);
    if (!stored) return std::nullopt;
    if (stored->has_data && !has_engine_data(path_))
        throw Error(
            ErrorKind::failed,
            fmt::format("the store's data of host {} is gone from {}", stored->identity.host_id, engine().string()),
            fmt::format("bring the directory back; if it is lost, remove the host from the cluster, delete {} "
                        "and join again",
                        path_.string()));
    return stored->identity;
}

void StoreDirectory::clear_engine() {
    if (has_identity(path_)) throw Error(ErrorKind::internal, "the store's data must not be removed: it is in use");
    delete_tree(engine(), Limit(kDelete));
    make_trusted_directory(engine(), 0700);
}

void StoreDirectory::set_identity(const StoreIdentity& identity) {
    Json stored = to_json(identity);
    stored["has_data"] = has_engine_data(path_);
    write_file(path_ / kIdentity, to_text(stored) + "\n", 0600);
}

void StoreDirectory::hold_to_data() {
    const auto stored = read_identity(path_);
    if (stored && !stored->has_data && has_engine_data(path_)) set_identity(stored->identity);
}

bool StoreDirectory::still_there() const {
    struct stat ours {
    }, there{};
    return ::fstat(lock_.get(), &ours) == 0 && ::stat(path_.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
           ours.st_dev == there.st_dev && has_identity(path_) && fs::exists(engine()) &&
           (has_engine_data(path_) || !read_identity(path_)->has_data);
}

bool StoreDirectory::has_identity(const fs::path& directory) { return fs::exists(directory / kIdentity); }

bool StoreDirectory::has_engine_data(const fs::path& directory) {
    // The engine writes its term and vote here before anything else, and always keeps one of the two.
    return fs::exists(directory / "raft" / "metadata1") || fs::exists(directory / "raft" / "metadata2");
}

}  // namespace pgedge
