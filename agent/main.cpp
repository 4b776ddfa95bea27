// pgedge-agent: one per host. Everything it does hangs on Agent; here is only its command line.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "agent/agent.hpp"
#include "agent/config/config.hpp"
#include "agent/config/environment.hpp"
#include "agent/dial_stdio.hpp"
#include "agent/service_manager.hpp"
#include "agent/spare_memory.hpp"
#include "agent/store/copy_keeper.hpp"
#include "common/base/build_info.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr int kUsage = 2;
constexpr std::chrono::seconds kTidyEvery{20};
constexpr const char* kInstalledConfig = "/etc/pgedge/agent.json";

/// For the libraries below the store, before any thread: file work of the engine and connections to other nodes share
/// one pool of threads, and four of them can all be stuck at one slow disk.
void prepare_process() {
    ::setenv("UV_THREADPOOL_SIZE", "16", 0);
    forget_postgres_variables();
    std::signal(SIGPIPE, SIG_IGN);
}

void run_agent(const std::string& config_file) {
    const AgentConfig config = load_config(config_file);
    const SystemClock clock;
    const Log log = Log::to_stderr(config.log_level, config.log_format);
    const SignalStop signals;  // before the first thread, so that all of them leave SIGTERM to it
    Agent agent(config, clock, log);
    agent.start();
    notify_service_manager("READY=1");
    while (!signals.wait_for(kTidyEvery)) give_memory_back();
    notify_service_manager("STOPPING=1");
    agent.stop();
}

/// The store's file is live: what is copied is a state between two changes.
void export_store(const std::string& config_file, const std::string& to) {
    export_state(store_directory(load_config(config_file)), to);
}

int run_command(int argc, char** argv) {
    CLI::App app{"The pgedge agent: runs PostgreSQL instances of this host and serves the cluster's HTTP API"};
    app.name("pgedge-agent");
    app.require_subcommand(1);
    std::string config_file, export_to;

    auto* run = app.add_subcommand("run", "Run in the foreground; SIGTERM ends it and leaves databases running");
    run->add_option("-c,--config", config_file, "JSON file; PGEDGE_* variables win over it")->type_name("FILE");
    run->footer("Configuration keys:\n" + describe_config());
    auto* store_export = app.add_subcommand("export", "Write this host's copy of the store as a plain SQLite file");
    store_export->add_option("-c,--config", config_file, "JSON file, as of run")->type_name("FILE");
    store_export->add_option("FILE", export_to, "Where to")->required();
    std::string dial_socket, dial_config = kInstalledConfig;
    auto* dial = app.add_subcommand("dial-stdio", "Connect standard input and output with this host's agent");
    dial->add_option("-c,--config", dial_config, "JSON file, as of run: names the socket")
        ->type_name("FILE")
        ->capture_default_str();
    dial->add_option("--socket", dial_socket, "The agent's unix socket, whatever the configuration says")
        ->type_name("PATH");
    auto* version = app.add_subcommand("version", "Print the version");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kUsage;
    }
    if (*version) fmt::print("pgedge-agent {}\n", build_info().version);
    if (*store_export) export_store(config_file, export_to);
    if (*dial) dial_stdio(dial_socket.empty() ? load_config(dial_config).http_socket : dial_socket);
    if (*run) run_agent(config_file);
    return 0;
}

}  // namespace
}  // namespace pgedge

int main(int argc, char** argv) {
    try {
        pgedge::prepare_process();
        pgedge::prepare_memory();
        return pgedge::run_command(argc, argv);
    } catch (const pgedge::Error& error) {
        fmt::print(stderr, "error: {}\n", error.what());
        if (!error.hint().empty()) fmt::print(stderr, "hint: {}\n", error.hint());
        return error.exit_code();
    } catch (const std::exception& error) {
        fmt::print(stderr, "error: {}\n", error.what());
        return 1;
    }
}
