#include "agent/runtime/process_launcher.hpp"

#include "agent/runtime/leftovers.hpp"
#include "common/base/error.hpp"
#include "common/base/subprocess.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kGuardStart{
    10};                        ///< a guard that needs longer to fork is on a machine that does not work
constexpr int kBusyGuard = 73;  ///< pgedge-guard: another one holds the lock

}  // namespace

void ProcessLauncher::start_guard(const ServerSpec& server, const GuardCall& call, const Limit& limit) {
    Command command;
    command.argv = call.options;
    command.argv.insert(command.argv.begin(), guard_program_);
    command.argv.emplace_back("--daemon");
    command.argv.emplace_back("--");
    command.argv.insert(command.argv.end(), call.server.begin(), call.server.end());
    auto& program = command.argv[command.argv.size() - call.server.size()];
    program = server.bin_dir + "/" + program;
    const auto result = run(command, limit.no_longer_than(kGuardStart));
    if (result.exit_code == kBusyGuard) throw Error(ErrorKind::conflict, "another guard is about to end or to begin");
    if (result.exit_code != 0) throw Error(ErrorKind::failed, "cannot start a guard: " + result.output);
}

std::string ProcessLauncher::command(const ServerCommand& wanted, const Limit& limit) const {
    Command command;
    command.argv = wanted.arguments;
    command.argv.insert(command.argv.begin(), wanted.bin_dir + "/" + wanted.program);
    user_.become(command);
    return run_or_throw(command, limit, wanted.on_line);
}

int ProcessLauncher::clear_leftovers(const ServerSpec& server, const Limit&) {
    return kill_leftovers(server.paths.data(), server.bin_dir);
}

}  // namespace pgedge
