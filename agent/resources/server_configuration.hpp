#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/server_owner.hpp"

namespace pgedge {

/// What a server is started with: the texts of its files, by path, and where it is.
struct ServerConfiguration {
    std::map<std::filesystem::path, std::string> files;
    ServerSpec server;
};

/// The configuration with which a server last worked, kept beside it on disk so that one with which it does not can be
/// taken back, also by an agent that starts after the one that wrote it was killed:
///
///     <instance>/last_good.json   the configuration
///     <instance>/refused.json     there while a refused one is being taken back and until the next one is tried: why
///
/// Both are the agent's own. The note comes before the first file is put back and goes before the next configuration is
/// written. So a step that is run again finds it, and does not take the old files, with which the server
/// runs, for the wanted ones.
class LastGoodConfiguration {
public:
    LastGoodConfiguration(InstancePaths paths, const InstanceUser& user) : paths_(std::move(paths)), user_(user) {}

    const std::string& instance_id() const { return paths_.instance_id(); }
    std::optional<ServerConfiguration> load() const;
    /// Keeps `good`; nothing is written when it is known already.
    void save(const ServerConfiguration& good) const;
    /// The files as they are now.
    ServerConfiguration present(ServerSpec server) const;

    std::optional<std::string> refused() const;
    void note_refused(const std::string& why) const;
    void forget_refused() const;

    /// Puts the files of the last good configuration back and (re)starts the server with them. Can be repeated.
    /// Nothing to do when there is none. Throws what ServerOwner::start() throws.
    void put_back(ServerOwner& owner, const Limit& limit) const;

private:
    InstancePaths paths_;
    const InstanceUser& user_;
};

/// The three files of a server.
std::filesystem::path hba_file(const InstancePaths& paths);
std::filesystem::path ident_file(const InstancePaths& paths);

}  // namespace pgedge
