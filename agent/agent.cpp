#include "agent/agent.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/api/health/health.hpp"
#include "agent/api/postgres_ha/faults.hpp"
#include "agent/api/postgres_ha/postgres_ha.hpp"
#include "agent/api_access.hpp"
#include "agent/backup_schedules.hpp"
#include "agent/cluster/heartbeat.hpp"
#include "agent/cluster/host_facts.hpp"
#include "agent/cluster/liveness_watch.hpp"
#include "agent/cluster_backups.hpp"
#include "agent/cluster_links.hpp"
#include "agent/docker/manifest.hpp"
#include "agent/ha/high_availability.hpp"
#include "agent/instance_watch.hpp"
#include "agent/instance_works.hpp"
#include "agent/node_backup.hpp"
#include "agent/resources/registry.hpp"
#include "agent/run/engine.hpp"
#include "agent/run/operation_planner.hpp"
#include "agent/run/stored_operations.hpp"
#include "agent/runtime/docker_launcher.hpp"
#include "agent/runtime/process_launcher.hpp"
#include "agent/serve/cross_site.hpp"
#include "agent/server_logs.hpp"
#include "agent/store/prompt_store.hpp"
#include "agent/store/tables/leases.hpp"
#include "common/base/build_info.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/uuid.hpp"
#include "common/net/url.hpp"
#include "common/orchestrate/orchestrator.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kFactsLimit = 10s;
constexpr std::size_t kMaxManifest = 1 << 20;
constexpr auto kHealthLimit = 1s;
constexpr auto kNamesLimit = 2s;
constexpr std::string_view kPostgresHaPath = "/api/pg/v1/";

EngineOptions engine_options(const AgentConfig& config) {
    EngineOptions options;
    options.kept = {std::chrono::days(config.keep_tasks_days), config.keep_tasks_count};
    return options;
}

/// The program that stands beside ours.
std::filesystem::path sibling_program(const char* name) {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

std::shared_ptr<Launcher> make_launcher(const AgentConfig& config, const InstanceUser& user, const Log& log) {
    auto guard = sibling_program("pgedge-guard");
    if (config.orchestrator != "docker") return std::make_shared<ProcessLauncher>(std::move(guard), user);
    return std::make_shared<DockerLauncher>(
        DockerLauncherOptions{config.docker_socket, config.docker_credentials, config.host_id, config.data_dir,
                              std::move(guard), user},
        log);
}

Host describe(const AgentConfig& config) {
    Host host;
    host.id = config.host_id;
    host.runtime = config.orchestrator;
    host.data_dir = config.data_dir;
    host.peer_addresses = config.peer_addresses;
    host.client_addresses = config.client_addresses;
    host.http_port = config.http_port;
    host.peer_port = config.peer_port;
    host.store_port = config.store_port;
    host.http_tls = !config.http_server_cert.empty();
    host.agent_version = build_info().version;
    FactSources sources;
    sources.bin_dirs = config.postgres_bin_dirs;
    if (config.orchestrator != "docker") return with_facts(std::move(host), Limit(kFactsLimit), sources);
    sources.bin_dirs.clear();
    host = with_facts(std::move(host), Limit(kFactsLimit), sources);
    host.installations = within("reading " + config.docker_manifest,
                                [&] { return parse_manifest(read_file(config.docker_manifest, kMaxManifest)); });
    host.versions = usable_versions(host.installations);
    return host;
}

Heartbeat::Components with_store(Heartbeat::Components components, const std::string& shortage) {
    components["store"] = {.healthy = shortage.empty(), .error = shortage, .details = Json::object()};
    return components;
}

/// New with every start of the agent and of the machine, so that nobody mistakes this run for an earlier one.
std::string new_incarnation() {
    return std::string(trimmed(read_file("/proc/sys/kernel/random/boot_id"))) + "/" + random_hex(8);
}

/// The directory, made ready and held: a second agent there would take hold of this one's servers.
Fd held(const std::filesystem::path& data_dir) {
    make_trusted_directory(data_dir, 0711);  // the instance user passes through; what is inside has modes of its own
    make_trusted_directory(data_dir / "run", 0711);
    // What an agent that was killed had just started may hold it for a moment.
    for (const Limit limit(1s);;) {
        if (Fd lock = lock_directory(data_dir)) return lock;
        if (!limit.pause(20ms))
            throw Error(ErrorKind::conflict, "another agent runs on " + data_dir.string(),
                        "stop it, or give this one a data_dir of its own");
    }
}

/// What was seen of the subscriber before is outdated, and its agent looks at once.
std::vector<Statement> links_changed(const Json& arguments, WallTime now) {
    const std::string instance = arguments.at("link").at("subscriber_instance");
    return {
        {"UPDATE instance SET updated_at = ? WHERE id = ? AND state = 'available'", {to_stored(now), instance}, {}}};
}

}  // namespace

SignalStop::SignalStop() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC));
    if (!signals_) throw Error(ErrorKind::internal, "cannot wait for signals: " + errno_text(errno));
}

bool SignalStop::wait_for(std::chrono::milliseconds at_most) const {
    pollfd waiting{signals_.get(), POLLIN, 0};
    return ::poll(&waiting, 1, static_cast<int>(at_most.count())) > 0;
}

std::filesystem::path store_directory(const AgentConfig& config) { return config.data_dir / "store"; }

/// Everything that needs the store, in the order in which it is made; it goes in the reverse.
class Agent::MemberParts {
public:
    MemberParts(Agent& agent, const Member& member)
        : liveness_(agent.clock_),
          leases_(member.store, agent.clock_, agent.config_.host_id, new_incarnation()),
          ha_({member.store, leases_, agent.runtime_, agent.user_, agent.owner_, agent.clock_, agent.config_.host_id,
               agent.config_.data_dir, agent.log_.component("ha"), &liveness_}),
          kinds_({agent.config_.data_dir, agent.user_, agent.runtime_, ha_, member.issuer}),
          planner_(member.store, agent.clock_, {agent.config_.random_port_min, agent.config_.random_port_max},
                   &liveness_),
          prompt_store_(member.store),
          prompt_planner_(prompt_store_, agent.clock_, {agent.config_.random_port_min, agent.config_.random_port_max},
                          &liveness_),
          operations_(prompt_store_, member.secrets, prompt_planner_, agent.clock_),
          logs_(agent.config_.data_dir, agent.config_.host_id, member.peers, Hosts(member.store)),
          links_(agent.runtime_, agent.config_.host_id, member.peers, Hosts(member.store)),
          backups_(agent.runtime_, agent.config_.host_id, member.peers, Hosts(member.store)),
          schedules_(member.store, leases_, operations_, agent.clock_, agent.log_.component("schedules")),
          ha_operations_(prompt_store_, agent.clock_, &liveness_),
          services_{prompt_store_, operations_, logs_, links_, ha_operations_, backups_, &liveness_},
          instance_peers_(member.peers, member.store.addresses()),
          postgres_ha_{prompt_store_, instance_peers_, operations_, agent.clock_},
          liveness_watch_(member.store, liveness_, agent.log_.component("liveness")),
          watch_(member.store, agent.runtime_, agent.clock_, agent.config_.host_id, agent.log_.component("instances")),
          heartbeat_(
              member.store, agent.clock_, agent.config_.host_id,
              [this, &store = member.store, &launcher = *agent.launcher_] {
                  auto components = with_store(watch_.health(), store.disk_shortage());
                  components.merge(launcher.health(Limit(kHealthLimit)));
                  return components;
              },
              agent.log_.component("heartbeat")),
          engine_(agent.config_.host_id,
                  {member.store, member.secrets, kinds_.all(), leases_, planner_, agent.clock_,
                   agent.log_.component("engine"),
                   [&agent](const auto& id, int port) {
                       const auto servers = agent.runtime_.known();
                       return std::any_of(servers.begin(), servers.end(), [&](const auto& each) {
                           return each.instance_id() == id && each.port == port;
                       });
                   },
                   works(agent, member), &liveness_,
                   [&agent](const auto& bin_dir, const Limit& limit) { agent.runtime_.prepare(bin_dir, limit); },
                   [this](const Limit& limit) { schedules_.look(limit); }},
                  engine_options(agent.config_)) {
        engine_.start();
    }
    const ClusterServices& services() const { return services_; }
    const PostgresHaServices& postgres_ha() const { return postgres_ha_; }
    const HighAvailability& ha() const { return ha_; }

private:
    /// Besides the engine's own.
    WorkKinds works(Agent& agent, const Member& member) {
        WorkKinds kinds;
        kinds.add(std::string(kSkipTransaction), [this, &agent](const Json& arguments, StepContext& context) {
            links_.skip(arguments, context);
            return links_changed(arguments, agent.clock_.wall());
        });
        kinds.add(std::make_shared<NodeBackup>(agent.runtime_));
        add_instance_works(kinds, {member.store, ha_, ha_operations_, agent.runtime_, agent.clock_});
        return kinds;
    }

    HostLiveness liveness_;
    Leases leases_;
    HighAvailability ha_;
    ResourceRegistry kinds_;
    OperationPlanner planner_;  ///< of the engine, which has time
    PromptStore prompt_store_;  ///< of clients, who wait
    OperationPlanner prompt_planner_;
    StoredOperations operations_;
    ServerLogs logs_;
    ClusterLinks links_;
    ClusterBackups backups_;
    BackupSchedules schedules_;
    HaOperations ha_operations_;
    ClusterServices services_;
    PeerInstances instance_peers_;
    PostgresHaServices postgres_ha_;
    LivenessWatch liveness_watch_;
    InstanceWatch watch_;
    Heartbeat heartbeat_;
    Engine engine_;
};

Agent::Agent(const AgentConfig& config, const Clock& clock, const Log& log)
    : config_(config),
      clock_(clock),
      log_(log),
      user_(InstanceUser::find(::geteuid() == 0 ? std::optional(config.instance_user) : std::nullopt)),
      data_dir_(held(config.data_dir)),
      launcher_(make_launcher(config, user_, log)),
      runtime_({config.data_dir, user_, launcher_}, log),
      owner_(runtime_, log),
      names_(configured_names(config), [this](const std::string& name) { return knows_host(name); }),
      cluster_({.data_dir = config.data_dir,
                .self = describe(config),
                .api_client = api_client_certificate(config),
                .peer_routes =
                    [this](Api& agents) {
                        ServerLogs::add_peer_routes(agents, config_.data_dir);
                        ClusterLinks::add_peer_routes(agents, runtime_);
                        ClusterBackups::add_peer_routes(agents, runtime_);
                        add_instance_questions(agents, runtime_, user_);
                    },
                .on_member = [this](const Member& member) { become_member(member); }},
               clock, log.component("cluster")),
      api_([this](const HttpRequest& request) { return answer(request); }, log.component("api"), server_options()) {
    router_.add(control_plane_api({cluster_, clock_, build_info(), [this] { return services(); }}));
    cluster_.add_public_api(router_);
    router_.add(postgres_ha_api({config_.host_id, config_.data_dir, runtime_, user_, [this] { return postgres_ha(); }},
                                log_.component("postgres_ha")));
    router_.add(health_api([this](const std::string& instance_id) { return health(instance_id); }));
    router_.check();
}

Agent::~Agent() { stop(); }

void Agent::start() {
    listen();  // first: two agents on one address are told at once
    cluster_.start();
    api_.start();
    log_.info("ready", {{"version", build_info().version},
                        {"host", config_.host_id},
                        {"api", config_.http_bind_address + ":" + std::to_string(config_.http_port)},
                        {"member", cluster_.initialized()}});
}

void Agent::listen() {
    // A host that wants to join has the token, and not always a certificate: what it asks first is no secret, and what
    // it believes of the answer is what the token's fingerprint proves.
    // A superuser of a database runs programs as the instances' user: what that user may not do to the agent's files,
    // it may not do through its API.
    const auto refused = user_.other ? std::optional(user_.uid) : std::nullopt;
    const auto listen_at = [&](const AddressAndPort& place, std::string_view name) {
        api_.listen({.address = place.address,
                     .port = place.port,
                     .tls = api_tls(config_),
                     .open_target = kInvitationPath,
                     .refused_user = refused,
                     .name = std::string(name)});
    };
    listen_at({config_.http_bind_address, config_.http_port}, kApiListener);
    for (const auto& place : config_.postgres_ha_listen) listen_at(place, kPostgresHaListener);
    api_.listen({.address = "", .port = 0, .socket = config_.http_socket, .refused_user = refused});
}

/// Before anything else of a request is looked at.
void Agent::check_origin(const HttpRequest& request) const {
    names_.check(request);
    if (is_cross_site(request)) throw Error(ErrorKind::denied, "requests of other web sites are refused");
}

HttpResponse Agent::answer(const HttpRequest& request) const {
    check_origin(request);
    return router_.handle(request);
}

ServerOptions Agent::server_options() const {
    ServerOptions options;
    options.refuse = [this](const HttpRequest& request, const Failure& why) { return router_.refuse(request, why); };
    options.body_terms = [this](const HttpRequest& head) {
        check_origin(head);
        // A name with a '/' in it leads to no route, whose terms could say so before the body's size does.
        if (head.path.find(kPostgresHaPath) != std::string::npos) check_segments(head);
        return router_.body_terms(head);
    };
    return options;
}

/// What the configuration does not name: the cluster's other hosts, and what the administrator calls this machine.
bool Agent::knows_host(const std::string& name) const {
    if (named_in_hosts_file(name, configured_names(config_))) return true;
    const auto cluster = services();
    if (!cluster) return false;
    const auto hosts = Hosts(cluster->store).list(Limit(kNamesLimit));
    return std::any_of(hosts.begin(), hosts.end(), [&](const Host& host) {
        const auto has = [&](const std::vector<std::string>& addresses) {
            return std::any_of(addresses.begin(), addresses.end(),
                               [&](const auto& address) { return canonical_host(address) == name; });
        };
        return host.id == name || has(host.peer_addresses) || has(host.client_addresses);
    });
}

void Agent::stop() {
    api_.stop(config_.stop_grace_period);
    {
        const std::lock_guard lock(mutex_);
        parts_.reset();
    }
    cluster_.stop();
}

void Agent::become_member(const Member& member) {
    auto parts = std::make_shared<MemberParts>(*this, member);
    const std::lock_guard lock(mutex_);
    parts_ = std::move(parts);
}

std::shared_ptr<const ClusterServices> Agent::services() const {
    const std::lock_guard lock(mutex_);
    return parts_ ? std::shared_ptr<const ClusterServices>(parts_, &parts_->services()) : nullptr;
}

std::shared_ptr<const PostgresHaServices> Agent::postgres_ha() const {
    const std::lock_guard lock(mutex_);
    return parts_ ? std::shared_ptr<const PostgresHaServices>(parts_, &parts_->postgres_ha()) : nullptr;
}

std::optional<InstanceHealth> Agent::health(const std::string& instance_id) const {
    std::shared_ptr<const MemberParts> parts;
    {
        const std::lock_guard lock(mutex_);
        parts = parts_;
    }
    return parts ? parts->ha().health(instance_id) : std::nullopt;
}

}  // namespace pgedge
