#include "tests/integration/support/test_host.hpp"

#include <charconv>
#include <cstring>
#include <thread>

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/runtime/guard_client.hpp"
#include "agent/runtime/leftovers.hpp"
#include "agent/runtime/process_launcher.hpp"
#include "agent/runtime/server_file.hpp"
#include "common/base/error.hpp"

namespace pgedge::test {
namespace {

using namespace std::chrono_literals;

/// 0 when there is no such file, or none yet.
pid_t first_line_pid(const std::filesystem::path& file) {
    const auto text = read_file_if_there(file).value_or("");
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    return pid;
}

bool is_unburied(pid_t pid) {
    return read_file_if_there(fmt::format("/proc/{}/stat", pid)).value_or("").find(") Z ") != std::string::npos;
}

}  // namespace

std::string postgres_bin_dir() {
    for (int major = 18; major >= 15; --major) {
        const auto base = fmt::format("/usr/lib/postgresql/{}", major);
        if (std::filesystem::exists(base + "/bin/postgres") && std::filesystem::exists(base + "/lib/pglogical.so"))
            return base + "/bin";
    }
    throw Error(ErrorKind::failed, "these tests need PostgreSQL and pglogical");
}

bool alive(pid_t pid) { return pid > 0 && ::kill(pid, 0) == 0 && !is_unburied(pid); }

bool comes_true(const std::function<bool()>& holds, std::chrono::milliseconds at_most) {
    const auto until = std::chrono::steady_clock::now() + at_most;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

TestHost::TestHost() : user_(InstanceUser::find(std::nullopt)) {
    char name[] = "/tmp/pgedge-test-XXXXXX";
    if (!::mkdtemp(name)) throw Error(ErrorKind::failed, "cannot make a directory in /tmp");
    data_dir_ = name;
    restart_agent();
}

void TestHost::restart_agent() {
    end_agent();
    runtime_ = std::make_unique<ProcessRuntime>(
        ProcessRuntimeOptions{data_dir_, user_, std::make_shared<ProcessLauncher>(PGEDGE_GUARD, user_)}, Log::none());
    owner_ = std::make_unique<KeepRunning>(*runtime_, Log::none());
}

TestHost::~TestHost() {
    end_agent();
    for (const auto& id : recorded_instances(data_dir_)) {
        const InstancePaths paths(data_dir_, id);
        if (const auto watch = GuardWatch::open(paths.guard_file(".guard"))) {
            try {
                pgedge::ask_guard(paths.guard_file(".guard"), "stop immediate", Limit(5s));
                watch->wait_gone(Limit(20s));
            } catch (const Error&) {
                // Frozen or on its way out: its leftovers are killed below.
            }
        }
        // A postmaster that nobody buries counts as a leftover, and would for ever.
        for (const Limit limit(30s); kill_leftovers(paths.data(), postgres_bin_dir()) > 0; limit.pause(5ms))
            if (limit.over() || is_unburied(first_line_pid(paths.data() / "postmaster.pid"))) break;
    }
    std::error_code ignored;
    std::filesystem::remove_all(data_dir_, ignored);
}

ServerSpec TestHost::make_server(const std::string& instance_id, const std::string& address, int port,
                                 const std::string& more) {
    const ServerSpec server{InstancePaths(data_dir_, instance_id), postgres_bin_dir(), address, port};
    const auto& paths = server.paths;
    make_directory(paths.directory(), 0711);
    user_.make_directory(paths.directory() / "data", 0700);
    user_.make_directory(paths.configs(), 0700);
    user_.make_directory(paths.sockets(), 0700);
    Command initdb;
    initdb.argv = {
        server.bin_dir + "/initdb", "-D", paths.data(), "-U", "pgedge", "-A", "trust", "-N", "-k", "-E", "UTF8"};
    user_.become(initdb);
    run_or_throw(initdb, Limit(1min));
    user_.write_file(paths.config_file(),
                     fmt::format("listen_addresses = '{}'\nport = {}\nunix_socket_directories = '{}'\nfsync = off\n"
                                 "logging_collector = on\nshared_buffers = '16MB'\n{}\n",
                                 address, port, paths.sockets().string(), more),
                     0600);
    user_.write_file(paths.data() / "pg_hba.conf", "local all all trust\nhost all all 127.0.0.0/8 trust\n", 0600);
    return server;
}

std::string TestHost::ask_guard(const ServerSpec& server, const std::string& line) {
    return pgedge::ask_guard(server.paths.guard_file(".guard"), line, Limit(20s));
}

pid_t TestHost::guard_pid(const ServerSpec& server) {
    const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = server.paths.guard_file(".guard").string();
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 0;
    ucred peer{};
    socklen_t size = sizeof peer;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
    return peer.pid;
}

pid_t TestHost::postmaster_pid(const ServerSpec& server) {
    return first_line_pid(server.paths.data() / "postmaster.pid");
}

Connection TestHost::connect(const ServerSpec& server, const std::string& database) {
    ConnectOptions options;
    options.host = server.paths.sockets();
    options.port = server.port;
    options.database = database;
    return Connection(options, Limit(60s));
}

}  // namespace pgedge::test
