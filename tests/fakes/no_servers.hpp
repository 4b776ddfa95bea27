#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/runtime.hpp"
#include "common/base/subprocess.hpp"

namespace pgedge::testing {

/// A runtime without servers that runs the programs it is told to run.
struct NoServers : Runtime {
    std::string_view name() const override { return "fake"; }
    void start(const ServerSpec&, const StartAs&, const Limit&) override {}
    void launch(const ServerSpec&, const StartAs&, const Limit&) override {}
    void restart(const std::string&, const StartAs&, const Limit&) override {}
    void stop(const std::string&, StopMode, const Limit&) override {}
    bool set_deadline(const std::string&, const std::optional<ServerDeadline>&) override { return false; }
    std::string command(const ServerCommand& wanted, const Limit& limit) override {
        Command command;
        command.argv = wanted.arguments;
        command.argv.insert(command.argv.begin(), wanted.bin_dir + "/" + wanted.program);
        InstanceUser::find(std::nullopt).become(command);
        return run_or_throw(command, limit, wanted.on_line);
    }
    void reload(const std::string&) override {}
    ServerState state(const std::string&) override { return ServerState::absent; }
    void forget(const std::string&) override {}
    std::vector<ServerSpec> known() override { return {}; }
    bool is_wanted_up(const std::string&) override { return false; }
    StartAs started_as(const std::string&) override { return {}; }
    bool is_standby(const std::string&) override { return false; }
    void add_listener(ServerListener&) override {}
    void remove_listener(ServerListener&) override {}
    std::optional<std::string> instance_user() const override { return std::nullopt; }
};

}  // namespace pgedge::testing
