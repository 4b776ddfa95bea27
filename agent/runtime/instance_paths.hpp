#pragma once

#include <compare>
#include <filesystem>
#include <string>

namespace pgedge {

/// Where the things of one instance lie under the agent's data directory:
///
///     <data_dir>/instances/<id>/          the agent's: only it may name programs to run
///                     server.json         what the runtime keeps up
///                     data/pgdata         the instance user's, like configs and certificates
///                     configs, certificates
///     <data_dir>/run/<12 hex digits>/     the server's unix socket
///     <data_dir>/run/<12 hex digits>.guard, .lock, .last, .log   of its guard
///
/// What holds sockets has a short name of its own: the kernel allows 107 bytes for the path of a socket.
class InstancePaths {
public:
    /// Throws Error{invalid_input} when the id could not be a file name of ours, and when `data_dir` is too long for
    /// sockets.
    InstancePaths(std::filesystem::path data_dir, std::string instance_id);

    const std::string& instance_id() const { return instance_id_; }
    const std::filesystem::path& data_dir() const { return data_dir_; }
    std::filesystem::path directory() const { return data_dir_ / "instances" / instance_id_; }
    std::filesystem::path server_file() const { return directory() / "server.json"; }
    std::filesystem::path data() const { return directory() / "data" / "pgdata"; }
    std::filesystem::path configs() const { return directory() / "configs"; }
    std::filesystem::path config_file() const { return configs() / "postgresql.conf"; }
    std::filesystem::path certificates() const { return directory() / "certificates"; }
    std::filesystem::path sockets() const { return data_dir_ / "run" / short_name_; }
    /// The guard adds its endings.
    std::filesystem::path guard() const { return sockets(); }
    std::filesystem::path guard_file(const std::string& ending) const { return sockets().string() + ending; }

    bool operator==(const InstancePaths& other) const {
        return data_dir_ == other.data_dir_ && instance_id_ == other.instance_id_;
    }

private:
    std::filesystem::path data_dir_;
    std::string instance_id_, short_name_;
};

}  // namespace pgedge
