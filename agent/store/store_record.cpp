#include "agent/store/store_record.hpp"

#include <charconv>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/json.hpp"

namespace pgedge {
namespace fs = std::filesystem;
namespace {

constexpr const char* kIdentityFile = "identity.json";
constexpr const char* kWitness = "witness.json";

}  // namespace

fs::path StoreRecord::beside(const fs::path& store_directory) { return store_directory.string() + "-record"; }

StoreRecord::StoreRecord(const fs::path& store_directory) : path_(beside(store_directory)) {
    make_trusted_directory(path_, 0700);
    const fs::path earlier = store_directory / "peers.json";  // where earlier versions kept it
    if (!fs::exists(peers()) && fs::exists(earlier)) write_file(peers(), read_file(earlier), 0600);
}

std::optional<StoreRecord::Identity> StoreRecord::identity() const {
    const auto text = read_file_if_there(path_ / kIdentityFile);
    if (!text) return std::nullopt;
    try {
        const Json stored = parse_json(*text);
        Identity identity{.store = {.cluster_id = stored.at("cluster_id"), .host_id = stored.at("host_id")},
                          .returning = stored.at("returning")};
        const std::string id = stored.at("node_id");
        if (std::from_chars(id.data(), id.data() + id.size(), identity.store.node_id).ec != std::errc())
            return std::nullopt;
        return identity;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

void StoreRecord::set_identity(const StoreIdentity& identity, bool returning) const {
    const Json stored{{"cluster_id", identity.cluster_id},
                      {"host_id", identity.host_id},
                      {"node_id", std::to_string(identity.node_id)},
                      {"returning", returning}};
    write_file(path_ / kIdentityFile, to_text(stored) + "\n", 0600);
}

void StoreRecord::forget_promises() const { fs::remove(promises()); }

void StoreRecord::load(Witness& witness) const {
    if (const auto text = read_file_if_there(path_ / kWitness)) witness.read(*text);
}

void StoreRecord::save(Witness& witness) const {
    if (const auto text = witness.to_write()) write_file(path_ / kWitness, *text, 0600);
}

}  // namespace pgedge
