#include "agent/store/store_record.hpp"

#include "common/base/error.hpp"
#include "common/base/file.hpp"

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
        return Identity{.store = store_identity_from_json(stored), .returning = stored.at("returning")};
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

void StoreRecord::set_identity(const StoreIdentity& identity, bool returning) const {
    Json stored = to_json(identity);
    stored["returning"] = returning;
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
