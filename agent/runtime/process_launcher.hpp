#pragma once

#include <filesystem>

#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/launcher.hpp"

namespace pgedge {

/// PostgreSQL of this machine's packages, as processes of this machine.
class ProcessLauncher final : public Launcher {
public:
    ProcessLauncher(std::filesystem::path guard_program, InstanceUser user)
        : guard_program_(std::move(guard_program)), user_(std::move(user)) {}

    std::string_view name() const override { return "process"; }
    void start_guard(const ServerSpec& server, const GuardCall& call, const Limit& limit) override;
    std::string command(const ServerCommand& command, const Limit& limit) const override;
    void prepare(const std::string&, const Limit&) const override {}
    int clear_leftovers(const ServerSpec& server, const Limit& limit) override;
    std::map<std::string, ComponentHealth> health(const Limit&) const override { return {}; }
    void forget(const ServerSpec&, const Limit&) override {}

private:
    const std::filesystem::path guard_program_;
    const InstanceUser user_;
};

}  // namespace pgedge
