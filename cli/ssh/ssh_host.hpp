#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "cli/ssh/remote_host.hpp"
#include "cli/ssh/ssh_settings.hpp"

namespace pgedge {

/// Connects, checks the host's key against known_hosts, and logs in: by libssh2, or by the machine's ssh client where
/// libssh2 cannot. A host that is not known is asked about at the terminal and then added to the first file of
/// known_hosts; where nobody can be asked, and when the key has changed, Error{denied} has the fingerprints and what to
/// do. Throws Error{unreachable}, {timed_out}, {cancelled}. What the user takes to answer does not count.
std::shared_ptr<RemoteHost> open_ssh_host(const SshAddress& address, const SshEnvironment& environment, Prompt& prompt,
                                          const Limit& limit);

/// The hosts that one run of pgedgectl is logged in on: one connection each. Safe from any thread; hosts are opened at
/// the same time, and their questions asked one after the other.
class SshHosts {
public:
    explicit SshHosts(SshEnvironment environment) : environment_(std::move(environment)) {}
    /// The same host again unless its connection was lost. `address.socket` does not matter.
    std::shared_ptr<RemoteHost> at(SshAddress address, Prompt& prompt, const Limit& limit);

private:
    struct Entry {
        std::mutex mutex;
        std::shared_ptr<RemoteHost> host;  // guarded by mutex
    };
    const SshEnvironment environment_;
    std::mutex mutex_, asking_;
    std::map<std::string, std::shared_ptr<Entry>> entries_;  // guarded by mutex_
};

}  // namespace pgedge
