#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace pgedge {

/// Where another agent is reached: "192.0.2.7:2380", "[2001:db8::1]:2380".
struct PeerAddress {
    std::string store;  ///< its Raft listener
    std::string peer;   ///< its HTTP server for other agents
    bool operator==(const PeerAddress&) const = default;
};

/// The other agents of the cluster and which of them vote, kept on disk: an agent that starts needs them before it can
/// read the store. Safe from any thread.
class AddressBook {
public:
    /// Reads the file if there is one; one that cannot be read is an Error{failed}.
    explicit AddressBook(std::filesystem::path file);

    std::optional<PeerAddress> find(const std::string& host_id) const;
    std::map<std::string, PeerAddress> all() const;
    std::vector<std::string> voters() const;  ///< host ids; empty: not known
    /// Writes the file when something changed.
    void set(const std::map<std::string, PeerAddress>& hosts);
    void set_voters(const std::vector<std::string>& host_ids);

private:
    void save() const;  // with mutex_ held
    const std::filesystem::path file_;
    mutable std::mutex mutex_;
    std::map<std::string, PeerAddress> hosts_;
    std::vector<std::string> voters_;
};

/// "192.0.2.7:2380"; brackets around an IPv6 address.
std::string address_text(const std::string& host, int port);

}  // namespace pgedge
