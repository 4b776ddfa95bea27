#include "agent/runtime/docker_launcher.hpp"

#include <csignal>

#include <fmt/format.h>
#include <unistd.h>

#include "agent/docker/image.hpp"
#include "agent/docker/registry_login.hpp"
#include "agent/runtime/guard_client.hpp"
#include "agent/runtime/leftovers.hpp"
#include "agent/runtime/server_log.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/subprocess.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr int kBusyGuardInside = 73;  ///< pgedge-guard: another one holds the lock
constexpr auto kGuardPoll = 10ms;     ///< of the guard's socket while its container starts
constexpr auto kTidying = 10s;        ///< for what has to be removed when a limit has ended
constexpr std::size_t kKeptOutput = 64 << 10;
constexpr const char* kGuardInside = "/pgedge-guard";
constexpr const char *kOfAgent = "pgedge.data_dir", *kComponent = "pgedge.component";

std::string server_container_name(const std::string& instance_id) { return "pgedge-" + instance_id; }

std::string same_path(const std::filesystem::path& path, std::string_view mode) {
    return fmt::format("{}:{}:{}", path.string(), path.string(), mode);
}

/// Half of the machine's memory, as /dev/shm of the machine itself has.
std::int64_t usual_shared_memory() { return std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE) / 2; }

/// "storefront" and "n1" of "storefront-n1-689qacsi".
std::pair<std::string, std::string> database_and_node(const std::string& instance_id) {
    const auto last = instance_id.rfind('-');
    const auto before = last == std::string::npos || last == 0 ? std::string::npos : instance_id.rfind('-', last - 1);
    if (before == std::string::npos) return {};
    return {instance_id.substr(0, before), instance_id.substr(before + 1, last - before - 1)};
}

/// Containers share the machine's numbers of processes.
void end_process(int pid) {
    if (pid > 1) ::kill(pid, SIGKILL);
}

/// The end of what a program says.
class KeptOutput {
public:
    explicit KeptOutput(const std::function<void(std::string_view)>& on_line) : on_line_(on_line) {}
    void add(std::string_view line) {
        if (on_line_) on_line_(line);
        text_.append(line).append("\n");
        if (text_.size() > 2 * kKeptOutput) text_.erase(0, text_.size() - kKeptOutput);
    }
    std::string take() { return std::move(text_); }

private:
    const std::function<void(std::string_view)>& on_line_;
    std::string text_;
};

}  // namespace

DockerLauncher::DockerLauncher(DockerLauncherOptions options, const Log& log)
    : options_(std::move(options)), log_(log.component("docker")), engine_(options_.socket) {
    // initdb and others look their user up by number, and an image has other users than the host.
    const auto directory = options_.data_dir / "containers";
    make_trusted_directory(directory, 0711);
    const auto& user = options_.user;
    std::string users = "root:x:0:0::/:/bin/sh\n", groups = "root:x:0:\n";
    if (user.uid != 0) users += fmt::format("{}:x:{}:{}::/:/bin/sh\n", user.name, user.uid, user.gid);
    if (user.gid != 0) groups += fmt::format("{}:x:{}:\n", user.name, user.gid);
    write_file(directory / "passwd", users);
    write_file(directory / "group", groups);
}

Json DockerLauncher::container(const std::string& image, std::vector<std::string> words,
                               const std::string& component) const {
    const auto users = options_.data_dir / "containers";
    const std::vector<std::string> mounts{
        same_path(options_.data_dir / "instances", "rw"), same_path(options_.data_dir / "run", "rw"),
        (users / "passwd").string() + ":/etc/passwd:ro", (users / "group").string() + ":/etc/group:ro",
        options_.guard_program.string() + ":" + kGuardInside + ":ro"};
    const Json host = {{"NetworkMode", "host"},
                       {"PidMode", "host"},
                       {"UsernsMode", "host"},
                       {"Binds", mounts},
                       {"ShmSize", usual_shared_memory()},
                       {"CapDrop", Json::array({"ALL"})},
                       {"SecurityOpt", Json::array({"no-new-privileges"})},
                       {"RestartPolicy", {{"Name", "no"}}}};
    return {{"Image", image},
            {"Entrypoint", std::move(words)},
            {"Cmd", Json::array()},
            {"WorkingDir", "/"},
            {"Env", Json::array({"LC_ALL=C"})},
            {"Healthcheck", {{"Test", Json::array({"NONE"})}}},
            {"User", fmt::format("{}:{}", options_.user.uid, options_.user.gid)},
            {"Labels",
             {{"pgedge.host.id", options_.host_id}, {kComponent, component}, {kOfAgent, options_.data_dir.string()}}},
            {"HostConfig", host}};
}

Json DockerLauncher::server_container(const ServerSpec& server, const GuardCall& call) const {
    const auto place = parse_image_directory(server.bin_dir);
    std::vector<std::string> words{kGuardInside};
    words.insert(words.end(), call.options.begin(), call.options.end());
    words.emplace_back("--");
    words.insert(words.end(), call.server.begin(), call.server.end());
    auto& program = words[words.size() - call.server.size()];
    program = place.directory + "/" + program;

    Json config = container(place.image, std::move(words), "postgres");
    // The guard gives the server its user and ends its processes; a high priority and locked memory keep its deadline.
    if (options_.user.other) {
        config["User"] = "0:0";
        config["HostConfig"]["CapAdd"] = Json::array({"SETUID", "SETGID", "KILL", "SYS_NICE", "IPC_LOCK"});
    }
    config["StopSignal"] = "SIGINT";  // a fast shutdown, see agent/guard
    config["HostConfig"]["LogConfig"] = {{"Type", "json-file"}, {"Config", {{"max-size", "1m"}}}};
    Json& labels = config["Labels"];
    labels["pgedge.instance.id"] = server.instance_id();
    if (const auto [database, node] = database_and_node(server.instance_id()); !node.empty()) {
        labels["pgedge.database.id"] = database;
        labels["pgedge.node.name"] = node;
    }
    const auto& wanted = server.container;
    for (const auto& [name, value] : wanted.labels) labels[name] = value;
    for (const auto& [outside, inside] : wanted.volumes)
        config["HostConfig"]["Mounts"].push_back({{"Type", "bind"}, {"Source", outside}, {"Target", inside}});
    if (wanted.millicpus > 0) config["HostConfig"]["NanoCpus"] = wanted.millicpus * 1'000'000;
    if (wanted.memory_bytes > 0)
        for (const auto* limit : {"Memory", "MemorySwap", "ShmSize"}) config["HostConfig"][limit] = wanted.memory_bytes;
    return config;
}

/// What an agent before us was killed with goes on in its container, and would write where the next try does.
void DockerLauncher::end_commands_of_before(const Limit& limit) const {
    const std::lock_guard lock(mutex_);
    if (cleared_) return;
    for (const auto& name : engine_.with_labels(
             {fmt::format("{}={}", kOfAgent, options_.data_dir.string()), std::string(kComponent) + "=command"}, limit))
        engine_.remove(name, limit);
    cleared_ = true;
}

void DockerLauncher::pull(const std::string& image, const Limit& limit) const {
    log_.info("pulling an image", {{"image", image}});
    engine_.pull(image, registry_login(options_.credentials, image), limit);
}

void DockerLauncher::prepare(const std::string& bin_dir, const Limit& limit) const {
    const auto image = parse_image_directory(bin_dir).image;
    within(fmt::format("looking for image {} on {}", image, options_.host_id), [&] {
        if (!engine_.has_image(image, limit)) pull(image, limit);
    });
}

/// The same beside a server: a backup, say, that the next try would find in its way.
void DockerLauncher::end_programs_of_before(const std::string& instance_id, const std::string& program,
                                            const Limit& limit) const {
    const std::lock_guard lock(mutex_);
    if (begun_.contains({instance_id, program})) return;
    for (const int pid : engine_.running_in(server_container_name(instance_id), program, limit)) end_process(pid);
    begun_.emplace(instance_id, program);
}

void DockerLauncher::create(const std::string& name, const Json& config, const Limit& limit) const {
    const std::string image = config.at("Image");
    within(fmt::format("making a container of {} on {}", image, options_.host_id), [&] {
        end_commands_of_before(limit);
        try {
            return engine_.create(name, config, limit);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::not_found) throw;
        }
        pull(image, limit);
        engine_.create(name, config, limit);
    });
}

/// Of the same name may be one that another agent of this machine has made.
void DockerLauncher::remove_ours(const std::string& name, const Limit& limit) const {
    const auto there = engine_.inspect(name, limit);
    if (!there) return;
    const auto agent = there->labels.find(kOfAgent);
    if (agent == there->labels.end() || agent->second != options_.data_dir.string())
        throw Error(ErrorKind::failed,
                    fmt::format("there is a container {} on {} that this agent has not made", name, options_.host_id),
                    "remove it, or give the database another id");
    engine_.remove(name, limit);
}

void DockerLauncher::start_guard(const ServerSpec& server, const GuardCall& call, const Limit& limit) {
    const std::string name = server_container_name(server.instance_id());
    remove_ours(name, limit);
    std::filesystem::remove(server.paths.guard_file(".last"));  // there again when this guard has ended
    create(name, server_container(server, call), limit);
    within("starting " + name + " on " + options_.host_id, [&] { engine_.start(name, limit); });
    wait_for_guard(server, name, limit);
}

void DockerLauncher::wait_for_guard(const ServerSpec& server, const std::string& name, const Limit& limit) const {
    for (;;) {
        if (GuardWatch::open(server.paths.guard_file(".guard"))) return;
        const auto state = engine_.inspect(name, limit);
        if (!state) throw Error(ErrorKind::unreachable, "the container " + name + " was removed while it started");
        if (!state->running) {
            if (state->exit_code == kBusyGuardInside)
                throw Error(ErrorKind::conflict, "another guard is about to end or to begin");
            if (read_file_if_there(server.paths.guard_file(".last"))) return;  // so did its server
            const auto said = read_file_if_there(server.paths.guard_file(".log")).value_or("");
            throw Error(ErrorKind::failed, fmt::format("cannot start a guard in {}: exit code {}{}: {}", name,
                                                       state->exit_code, state->out_of_memory ? ", out of memory" : "",
                                                       state->error.empty() ? said : state->error));
        }
        if (!limit.pause(kGuardPoll)) limit.check("starting " + name);
    }
}

std::string DockerLauncher::command(const ServerCommand& command, const Limit& limit) const {
    return command.beside.empty() ? run_alone(command, limit) : run_beside(command, limit);
}

std::string DockerLauncher::run_alone(const ServerCommand& command, const Limit& limit) const {
    const auto place = parse_image_directory(command.bin_dir);
    std::vector<std::string> words{place.directory + "/" + command.program};
    words.insert(words.end(), command.arguments.begin(), command.arguments.end());
    const std::string program = words.front(), name = "pgedge-command-" + random_hex(8);
    struct Gone {
        DockerEngine& engine;
        const Log& log;
        const std::string& name;
        ~Gone() {
            try {
                engine.remove(name, Limit(kTidying));
            } catch (const Error& error) {
                log.warn("cannot remove a container", {{"name", name}, {"error", error.what()}});
            }
        }
    } const gone{engine_, log_, name};
    create(name, container(place.image, std::move(words), "command"), limit);
    KeptOutput output(command.on_line);
    engine_.start(name, limit);
    engine_.follow(
        name, [&](std::string_view line) { output.add(line); }, limit);
    return output_or_throw(program, {engine_.wait(name, limit), output.take()});
}

/// With the server's own mounts and limits.
std::string DockerLauncher::run_beside(const ServerCommand& command, const Limit& limit) const {
    const std::string program = command.bin_dir + "/" + command.program;
    std::vector<std::string> words{program};
    words.insert(words.end(), command.arguments.begin(), command.arguments.end());
    end_programs_of_before(command.beside, program, limit);
    KeptOutput output(command.on_line);
    const Json config = {{"AttachStdout", true},
                         {"AttachStderr", true},
                         {"Cmd", std::move(words)},
                         {"Env", Json::array({"LC_ALL=C"})},
                         {"User", fmt::format("{}:{}", options_.user.uid, options_.user.gid)}};
    const int code = engine_.exec(
        server_container_name(command.beside), config, [&](std::string_view line) { output.add(line); }, end_process,
        limit);
    return output_or_throw(program, {code, output.take()});
}

int DockerLauncher::clear_leftovers(const ServerSpec& server, const Limit&) {
    return kill_leftovers(server.paths.data(), parse_image_directory(server.bin_dir).directory);
}

std::map<std::string, ComponentHealth> DockerLauncher::health(const Limit& limit) const {
    try {
        return {{"docker", {true, "", engine_.counts(limit)}}};
    } catch (const Error& error) {
        return {{"docker", {false, error.text_and_hint(), Json::object()}}};
    }
}

void DockerLauncher::forget(const ServerSpec& server, const Limit& limit) {
    remove_ours(server_container_name(server.instance_id()), limit);
}

}  // namespace pgedge
