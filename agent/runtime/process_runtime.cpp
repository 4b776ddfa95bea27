#include "agent/runtime/process_runtime.hpp"

#include <algorithm>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/runtime/launcher.hpp"
#include "agent/runtime/standby_signal.hpp"
#include "agent/runtime/supervised.hpp"
#include "common/base/clock.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kForgetting = 20s;
constexpr int kAfterTrouble = 1000;  ///< milliseconds

/// The instance user has to pass through `path` and all above it. What is ours is opened for passing through.
void let_through(const std::filesystem::path& path, const InstanceUser& user) {
    for (auto above = path; above != above.root_path(); above = above.parent_path()) {
        struct stat facts {};
        if (::stat(above.c_str(), &facts) != 0) continue;
        const bool open = (facts.st_mode & S_IXOTH) || (facts.st_uid == user.uid && (facts.st_mode & S_IXUSR)) ||
                          (facts.st_gid == user.gid && (facts.st_mode & S_IXGRP));
        if (open) continue;
        if (above != path || ::chmod(above.c_str(), (facts.st_mode & 07777) | S_IXOTH) != 0)
            throw Error(ErrorKind::failed, "user \"" + user.name + "\" cannot pass through " + above.string(),
                        "choose another data_dir, or chmod o+x that directory");
    }
}

/// Told before anything is stopped; the guard looks once more.
void check_deadline(const std::string& instance_id, const StartAs& as) {
    if (as.role != ServerRole::primary || (as.deadline && as.deadline->soft > SystemClock().boottime())) return;
    throw Error(ErrorKind::invalid_input, instance_id + " cannot be started as a primary without a deadline ahead");
}

}  // namespace

/// Holds an instance for one operation; the watcher looks at it again when that ends.
class ProcessRuntime::Operation {
public:
    Operation(ProcessRuntime& runtime, Supervised& server, const Limit& limit)
        : runtime_(runtime), server_(server), lock_(server.lock(limit)) {}
    ~Operation() {
        server_.settled();
        lock_.unlock();
        runtime_.wake();
    }
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;

private:
    ProcessRuntime& runtime_;
    Supervised& server_;
    std::unique_lock<LimitedMutex> lock_;
};

ProcessRuntime::ProcessRuntime(ProcessRuntimeOptions options, const Log& log)
    : options_(std::move(options)), log_(log.component("runtime")), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake_) throw Error(ErrorKind::failed, "cannot make an eventfd: " + errno_text(errno));
    make_trusted_directory(options_.data_dir / "instances", 0711);
    make_trusted_directory(options_.data_dir / "run", 0711);
    if (options_.user.other) let_through(options_.data_dir, options_.user);
    adopt();
    watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

ProcessRuntime::~ProcessRuntime() {
    watcher_.request_stop();
    wake();
    watcher_.join();
}

std::string_view ProcessRuntime::name() const { return options_.launcher->name(); }

void ProcessRuntime::adopt() {
    for (const auto& id : recorded_instances(options_.data_dir)) try {
            const InstancePaths paths(options_.data_dir, id);
            check_trusted_directory(paths.directory());
            const auto record = load_record(paths);
            if (!record) continue;
            auto server = make_server(*record);
            const bool runs = server->adopt();
            log_.info(runs ? "server adopted" : "server is down",
                      {{"instance", id}, {"wanted", record->up ? "up" : "down"}});
            servers_[id] = std::move(server);
        } catch (const Error& error) {
            log_.error("cannot adopt an instance", {{"instance", id}, {"error", error.what()}});
        }
}

std::shared_ptr<ProcessRuntime::Supervised> ProcessRuntime::make_server(ServerRecord record) {
    return std::make_shared<Supervised>(options_, log_, std::move(record), [this](const ServerEnd& end) { tell(end); });
}

std::shared_ptr<ProcessRuntime::Supervised> ProcessRuntime::find(const std::string& instance_id) {
    const std::lock_guard lock(mutex_);
    const auto found = servers_.find(instance_id);
    return found == servers_.end() ? nullptr : found->second;
}

std::shared_ptr<ProcessRuntime::Supervised> ProcessRuntime::find_or_add(const ServerSpec& spec) {
    const std::lock_guard lock(mutex_);
    auto& server = servers_[spec.instance_id()];
    if (!server) server = make_server({spec, false});
    return server;
}

ProcessRuntime::Servers ProcessRuntime::all() {
    const std::lock_guard lock(mutex_);
    Servers servers;
    for (const auto& [id, server] : servers_) servers.push_back(server);
    return servers;
}

void ProcessRuntime::wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

template <class Work>
void ProcessRuntime::prepared(const ServerSpec& spec, const StartAs& as, const Limit& limit, Work&& work) {
    if (spec.paths.data_dir() != options_.data_dir)
        throw Error(ErrorKind::internal, "an instance outside of the agent's data directory");
    check_deadline(spec.instance_id(), as);
    const auto server = find_or_add(spec);
    const Operation operation(*this, *server, limit);
    if (server->forgotten()) throw Error(ErrorKind::conflict, spec.instance_id() + " is being removed");
    options_.user.make_directory(spec.paths.sockets(), 0700);
    server->notice_end();
    server->become(spec, as, Supervised::How::as_it_is, limit);
    work(*server);
}

void ProcessRuntime::start(const ServerSpec& spec, const StartAs& as, const Limit& limit) {
    prepared(spec, as, limit, [&](Supervised& server) { server.bring_up(limit); });
}

void ProcessRuntime::launch(const ServerSpec& spec, const StartAs& as, const Limit& limit) {
    prepared(spec, as, limit, [&](Supervised& server) { server.launch_unless_up(limit); });
}

void ProcessRuntime::stop(const std::string& instance_id, StopMode mode, const Limit& limit) {
    const auto server = find(instance_id);
    if (!server) return;
    const Operation operation(*this, *server, limit);
    if (server->forgotten()) return;
    if (auto record = server->record(); record.up) {
        record.up = false;
        server->record(std::move(record));
    }
    server->bring_down(mode, limit);
}

void ProcessRuntime::restart(const std::string& instance_id, const StartAs& as, const Limit& limit) {
    check_deadline(instance_id, as);
    const auto server = find(instance_id);
    if (!server) throw Error(ErrorKind::not_found, "there is no instance " + instance_id + " here");
    const Operation operation(*this, *server, limit);
    if (server->forgotten() || !server->record().up) throw Error(ErrorKind::conflict, instance_id + " is kept down");
    server->become(server->record().spec, as, Supervised::How::anew, limit);
    server->bring_up(limit);
}

bool ProcessRuntime::set_deadline(const std::string& instance_id, const std::optional<ServerDeadline>& deadline) {
    const auto server = find(instance_id);
    return server && server->set_deadline(deadline);
}

std::string ProcessRuntime::command(const ServerCommand& wanted, const Limit& limit) {
    return options_.launcher->command(wanted, limit);
}

void ProcessRuntime::prepare(const std::string& bin_dir, const Limit& limit) {
    options_.launcher->prepare(bin_dir, limit);
}

void ProcessRuntime::reload(const std::string& instance_id) {
    const auto server = find(instance_id);
    if (!server) return;
    const Operation operation(*this, *server, Limit(10s));
    server->reload();
}

ServerState ProcessRuntime::state(const std::string& instance_id) {
    const auto server = find(instance_id);
    return server ? server->shown_state() : ServerState::absent;
}

std::string ProcessRuntime::trouble(const std::string& instance_id) {
    const auto server = find(instance_id);
    return server ? server->trouble() : std::string();
}

void ProcessRuntime::forget(const std::string& instance_id) {
    const auto server = find(instance_id);
    if (!server) return;
    const auto lock = server->lock(Limit(10s));
    if (!server->notice_end())
        throw Error(ErrorKind::conflict, instance_id + " is running", "stop it before it is forgotten");
    options_.launcher->forget(server->record().spec, Limit(kForgetting));
    server->forget();
    const std::lock_guard servers(mutex_);
    servers_.erase(instance_id);
}

std::vector<ServerSpec> ProcessRuntime::known() {
    std::vector<ServerSpec> specs;
    for (const auto& server : all())
        if (!server->forgotten()) specs.push_back(server->record().spec);
    return specs;
}

bool ProcessRuntime::is_wanted_up(const std::string& instance_id) {
    const auto server = find(instance_id);
    return server && !server->forgotten() && server->record().up;
}

StartAs ProcessRuntime::started_as(const std::string& instance_id) {
    const auto server = find(instance_id);
    return server && !server->forgotten() ? server->started_as() : StartAs();
}

bool ProcessRuntime::is_standby(const std::string& instance_id) {
    return has_standby_signal(InstancePaths(options_.data_dir, instance_id).data());
}

void ProcessRuntime::add_listener(ServerListener& listener) {
    const std::lock_guard lock(listeners_mutex_);
    listeners_.push_back(&listener);
}

void ProcessRuntime::remove_listener(ServerListener& listener) {
    const std::lock_guard lock(listeners_mutex_);
    std::erase(listeners_, &listener);
}

void ProcessRuntime::tell(const ServerEnd& end) {
    const std::lock_guard lock(listeners_mutex_);
    for (auto* listener : listeners_) listener->ended(end);
}

std::optional<std::string> ProcessRuntime::instance_user() const {
    return options_.user.other ? std::optional(options_.user.name) : std::nullopt;
}

void ProcessRuntime::watch(const std::stop_token& stop) {
    while (!stop.stop_requested()) try {
            std::vector<pollfd> fds = {{wake_.get(), POLLIN, 0}};
            std::vector<std::shared_ptr<GuardWatch>> watches;  // kept open while poll looks at them
            for (const auto& server : all()) {
                const std::unique_lock lock(server->mutex(), std::try_to_lock);
                if (!lock) continue;  // an operation is on it, and wakes us when it ends
                if (server->watch()) server->notice_end();
                if (const auto watch = server->watch()) {
                    fds.push_back({watch->fd(), POLLIN, 0});
                    watches.push_back(watch);
                }
            }
            ::poll(fds.data(), fds.size(), -1);
            std::uint64_t count;
            [[maybe_unused]] const auto taken = ::read(wake_.get(), &count, sizeof count);
        } catch (const std::exception& error) {  // memory is short, or a mistake of ours: no server ends with it
            log_.error("cannot watch servers, trying again", {{"error", error.what()}});
            pollfd woken{wake_.get(), POLLIN, 0};
            ::poll(&woken, 1, kAfterTrouble);
        }
}

}  // namespace pgedge
