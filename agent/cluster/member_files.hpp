#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "common/base/secret.hpp"
#include "common/net/certificates.hpp"

namespace pgedge {

/// How far this host has come on its way into a cluster.
enum class MemberState {
    initializing,  ///< an init was begun and has not ended: nobody else knows of it
    joining,       ///< a join was begun: the cluster may know us already, under this node id
    member,
};

struct MemberRecord {
    MemberState state = MemberState::member;
    std::string cluster_id;  ///< empty while joining until the cluster has told it
    std::string host_id;
    std::uint64_t node_id = 0;  ///< in the store
    std::string authority;      ///< fingerprint of the cluster's authority
    bool operator==(const MemberRecord&) const = default;
};

/// What makes this host a member: anyone who has these files is this host, and can read the cluster's secrets.
struct Credentials {
    std::string authority;  ///< PEM
    KeyPair own;
    Secret cluster_key;  ///< 32 bytes, for Secrets
};

/// The files of an agent that say which cluster it belongs to: `cluster.json` in the data directory, and
/// `certificates/` (0700) with `ca.crt`, `host.crt`, `host.key` and `secret.key`. Every write is atomic and synced.
/// For one thread at a time.
class MemberFiles {
public:
    explicit MemberFiles(std::filesystem::path data_dir) : data_dir_(std::move(data_dir)) {}

    /// nullopt: this host never began to belong to a cluster. Throws Error{failed} when the file cannot be understood.
    std::optional<MemberRecord> record() const;
    void set_record(const MemberRecord& record) const;
    /// Throws Error{failed} naming the file that is missing or broken, or says that they do not belong together.
    Credentials credentials() const;
    void set_credentials(const Credentials& credentials) const;
    void set_certificate(const KeyPair& own) const;

    std::filesystem::path store_directory() const { return data_dir_ / "store"; }
    /// Removes what the store has of an init or a join that did not end. The caller knows that it did not.
    void clear_store() const;

private:
    std::filesystem::path in_certificates(const char* name) const { return data_dir_ / "certificates" / name; }
    const std::filesystem::path data_dir_;
};

}  // namespace pgedge
