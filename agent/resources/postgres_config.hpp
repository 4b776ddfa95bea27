#pragma once

#include <filesystem>
#include <map>

#include "agent/postgres/connection.hpp"
#include "agent/resources/resource_kind.hpp"
#include "agent/resources/server_configuration.hpp"
#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// `instance.config`: postgresql.conf, pg_hba.conf and pg_ident.conf of one server. A running server reloads
/// them; what needs a restart waits for `instance.server`. A running server's files stay as they were when it would
/// refuse the new ones or let nobody in with them, and its own words are the error.
class PostgresConfig final : public ResourceKind {
public:
    PostgresConfig(std::filesystem::path data_dir, const InstanceUser& user, Runtime& runtime)
        : data_dir_(std::move(data_dir)), user_(user), runtime_(runtime) {}
    std::string_view kind() const override { return "instance.config"; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    using Texts = std::map<std::filesystem::path, std::string>;
    Texts texts(const Resource& resource, const Limit& limit) const;
    void write(const Texts& texts) const;
    void check(const Resource& resource, const Texts& texts, const Limit& limit) const;
    Connection session_of(const Resource& resource, const Texts& wanted, const LastGoodConfiguration& last_good,
                          StepContext& context) const;
    void reload(Session& session, const std::string& instance_id, const Limit& limit) const;
    void wait_until_taken(const PgValue& before, const std::string& instance_id, const Limit& limit) const;

    std::filesystem::path data_dir_;
    const InstanceUser& user_;
    Runtime& runtime_;
};

}  // namespace pgedge
