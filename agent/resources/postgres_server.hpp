#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "agent/postgres/session.hpp"
#include "agent/resources/resource_kind.hpp"
#include "agent/resources/server_configuration.hpp"
#include "agent/runtime/server_owner.hpp"

namespace pgedge {

/// `instance.server`: one server up and running, with no setting waiting for a restart. A configuration with which it
/// does not come up, or lets nobody in, is taken back: the last good one is put in its place and the server started
/// with it; that is an error all the same. Removing it stops the server.
class PostgresServer final : public ResourceKind {
public:
    PostgresServer(std::filesystem::path data_dir, const InstanceUser& user, Runtime& runtime, ServerOwner& owner)
        : data_dir_(std::move(data_dir)), user_(user), runtime_(runtime), owner_(owner) {}
    std::string_view kind() const override { return "instance.server"; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    using Files = std::map<std::filesystem::path, std::string>;
    void bring_up(const ServerSpec& wanted, StepContext& context) const;
    void await_lower_minimums(Session& session, const ServerSpec& server, StepContext& context) const;
    void check_maps(Session& session, const Files& before, const ServerSpec& server, const Limit& limit) const;
    [[noreturn]] void take_back(const LastGoodConfiguration& last_good, const std::string& why,
                                StepContext& context) const;

    std::filesystem::path data_dir_;
    const InstanceUser& user_;
    Runtime& runtime_;
    ServerOwner& owner_;
};

}  // namespace pgedge
