#include "agent/runtime/instance_paths.hpp"

#include <algorithm>

#include <sys/un.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kMaxId = 200;
constexpr std::size_t kShort = 12;
constexpr std::string_view kLongestSocket = "/.s.PGSQL.65535";

void check_id(const std::string& id) {
    const bool plain = std::all_of(id.begin(), id.end(), [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (id.empty() || id.size() > kMaxId || !plain)
        throw Error(ErrorKind::invalid_input, "\"" + id + "\" cannot be the id of an instance");
}

}  // namespace

InstancePaths::InstancePaths(std::filesystem::path data_dir, std::string instance_id)
    : data_dir_(std::move(data_dir)), instance_id_(std::move(instance_id)) {
    check_id(instance_id_);
    if (!data_dir_.is_absolute())
        throw Error(ErrorKind::invalid_input, "data_dir must be an absolute path, not " + data_dir_.string());
    short_name_ = to_hex(sha256(instance_id_)).substr(0, kShort);
    if (sockets().string().size() + kLongestSocket.size() >= sizeof(sockaddr_un::sun_path))
        throw Error(ErrorKind::invalid_input, "data_dir is too long for sockets: " + data_dir_.string(),
                    "choose a path of at most 70 bytes");
}

}  // namespace pgedge
