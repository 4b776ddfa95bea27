#include "agent/cluster/running_member.hpp"

#include "agent/store/tables/hosts.hpp"
#include "common/base/error.hpp"
#include "common/base/thread_top.hpp"
#include "common/net/tls.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kAcceptLimit = 25s;    // of one request; the joiner waits 30
constexpr auto kMemberLimit = 500ms;  // to find out whether a caller has just become a member
constexpr auto kChoresLimit = 10s;
constexpr auto kChoresEvery = 24h;
constexpr auto kChoresAgain = 5s;

constexpr const char* kListener = "agents";

ServerOptions server_options() {
    ServerOptions options;
    options.limits.max_body = ClusterStore::kMaxCall;
    options.access_log = false;  // the store's calls alone are tens a second
    return options;
}

SslContext server_context(const KeyPair& own, const std::string& authority) {
    // Optional, because a host that wants to join has none yet; everything else is refused to those without.
    return make_server_context(own, authority, ClientCertificates::optional);
}

}  // namespace

RunningMember::RunningMember(Host self, const std::vector<std::string>& bind_addresses, Credentials credentials,
                             const MemberFiles& files, const Clock& clock, Log log)
    : self_(std::move(self)),
      credentials_(std::move(credentials)),
      files_(files),
      clock_(clock),
      log_(std::move(log)),
      peers_(credentials_.own, credentials_.authority),
      router_(log_),
      agents_(router_.add(Api({.name = "agents",
                               .prefixes = {"/internal"},
                               .listeners = {kListener},
                               .role_of =
                                   [this](const HttpRequest& request) {
                                       const bool member = is_member(request.caller, Limit(kMemberLimit, request.stop));
                                       return member ? Role::agent : Role::anyone;
                                   },
                               .least_role = Role::agent}))),
      context_(std::make_shared<ReloadableContext>(server_context(credentials_.own, credentials_.authority))) {
    server_.emplace([this](const HttpRequest& request) { return router_.handle(request); }, log_, server_options());
    for (const auto& address : bind_addresses)
        server_->listen(
            {.address = address, .port = self_.peer_port, .tls = context_, .agents = true, .name = kListener});
}

RunningMember::~RunningMember() { stop(); }

void RunningMember::set_store(std::unique_ptr<ClusterStore> store) {
    store_ = std::move(store);
    secrets_.emplace(*store_, credentials_.cluster_key);
    issuer_.emplace(*store_, *secrets_, credentials_.authority);
    prompt_store_.emplace(*store_);
    tokens_.emplace(*prompt_store_, *secrets_, clock_, fingerprint_of(credentials_.authority));
    desk_.emplace(JoinDesk::Parts{
        store_->cluster_id(), self_, *prompt_store_, *tokens_, *issuer_, clock_, credentials_.cluster_key,
        [this](const std::string& host, const Limit& limit) { return store_->host_answers(host, limit); }});
    add_routes();
}

void RunningMember::add_routes() {
    agents_.add(Role::anyone, "POST", kInvitationPath,
                [this](const HttpRequest&, const PathParameters&) { return to_response(desk_->invitation()); });
    agents_.add(Role::anyone, "POST", kJoinPath, [this](const HttpRequest& request, const PathParameters&) {
        const JoinRequest wanted = join_request_from(request.body);
        HttpResponse response = to_response(desk_->accept(wanted, Limit(kAcceptLimit, request.stop)));
        log_.info("host let into the cluster", {{"host", wanted.host.id}, {"from", request.caller.address}});
        return response;
    });
    agents_.add(Role::agent, "POST", std::string(kStorePath) + "{call}",
                [this](const HttpRequest& request, const PathParameters& path) {
                    HttpResponse response;
                    response.headers["Content-Type"] = "application/octet-stream";
                    response.body = store_->answer(path.at("call"), request.body, request.caller.certificate);
                    return response;
                });
}

void RunningMember::serve() {
    router_.check();
    server_->start();
    keeper_ =
        std::jthread([this](const std::stop_token& stop) { run_thread(log_, "chores", stop, [&] { keep(stop); }); });
}

void RunningMember::stop() {
    if (!server_) return;
    keeper_ = {};
    if (store_) store_->stop();  // first: calls of others that wait in it end
    server_.reset();
}

/// A certificate alone is not enough: that of a host which was removed is still valid.
bool RunningMember::is_member(const Principal& caller, const Limit& limit) {
    const std::string& host_id = caller.certificate;
    if (!caller.agent || host_id.empty()) return false;
    if (host_id == self_.id || store_->addresses().find(host_id)) return true;
    try {
        const Statement row{.sql = "SELECT 1 FROM host WHERE id = ?", .args = {host_id}, .expect = {}};
        return !store_->read(row, Freshness::leader, limit).empty();
    } catch (const Error&) {
        return false;  // it asks again
    }
}

void RunningMember::keep(const std::stop_token& stop) {
    bool complained = false;
    for (auto pause = Limit::Clock::duration(0ms); Limit(pause + 1h, stop).pause(pause);) {
        try {
            chores(Limit(kChoresLimit, stop));
            pause = kChoresEvery;
            complained = false;
        } catch (const std::exception& error) {
            pause = kChoresAgain;
            if (!complained && !stop.stop_requested())
                log_.warn("cannot record this host's facts yet", {{"error", error.what()}});
            complained = true;
        }
    }
}

void RunningMember::chores(const Limit& limit) {
    Transaction facts;
    facts.add(Hosts::update_facts(self_));
    store_->commit(facts, limit);
    if (days_left(credentials_.own.certificate) >= kRenewBelowDays) return;
    const KeyPair fresh = issuer_->issue(agent_certificate(self_));
    files_.set_certificate(fresh);
    credentials_.own = fresh;
    context_->set(server_context(fresh, credentials_.authority));
    peers_.set_certificate(fresh);
    store_->set_certificate(fresh);
    log_.info("renewed this agent's certificate", {{"days", days_left(fresh.certificate)}});
}

}  // namespace pgedge
