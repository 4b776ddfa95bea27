#include "agent/cluster/cluster.hpp"

#include <algorithm>

#include "agent/store/raft/raft_engine.hpp"
#include "agent/store/store_directory.hpp"
#include "agent/store/tables/hosts.hpp"
#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/base/uuid.hpp"
#include "common/net/url.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kClusterKeySize = 32;

Error not_initialized() {
    return Error(ErrorKind::conflict, "operation invalid on an uninitialized cluster").named("cluster_not_initialized");
}

std::vector<std::string> addresses_to_bind(const Cluster::Options& options) {
    if (!options.bind_addresses.empty()) return options.bind_addresses;
    std::vector<std::string> addresses;
    std::copy_if(options.self.peer_addresses.begin(), options.self.peer_addresses.end(), std::back_inserter(addresses),
                 is_ip_address);
    if (addresses.empty())
        throw Error(ErrorKind::invalid_input, "none of this host's peer addresses is an IP address to listen on",
                    "set peer_addresses to an address of this machine");
    return addresses;
}

std::string api_url(const Host& host) {
    const auto& addresses = host.client_addresses.empty() ? host.peer_addresses : host.client_addresses;
    return (host.http_tls ? "https://" : "http://") + host_and_port(addresses.front(), host.http_port);
}

Statement insert_cluster(const std::string& id, const std::string& authority, const Blob& sealed_key, WallTime now) {
    return {.sql = "INSERT INTO cluster(id, created_at, ca_cert, ca_key) VALUES (?, ?, ?, ?)",
            .args = {id, std::int64_t{now.time_since_epoch().count()}, authority, sealed_key},
            .expect = 1};
}

/// What this host says of itself, with what its program can read.
Cluster::Options with_level(Cluster::Options options) {
    options.self.level = newest_schema_version();
    return options;
}

}  // namespace

Cluster::Cluster(Options options, const Clock& clock, Log log)
    : options_(with_level(std::move(options))), clock_(clock), log_(std::move(log)), files_(options_.data_dir) {}

Cluster::~Cluster() { stop(); }

std::unique_lock<std::mutex> Cluster::begin_change() {
    std::unique_lock lock(changing_, std::try_to_lock);
    if (!lock)
        throw Error(ErrorKind::conflict, "this host is being initialized or is joining a cluster right now")
            .named("operation_already_in_progress");
    // The files count as well: whatever became of the store that belongs to them, it is not ours to throw away.
    const auto record = files_.record();
    if (initialized() || (record && record->state == MemberState::member))
        throw Error(ErrorKind::conflict, "operation invalid on an initialized cluster")
            .named("cluster_already_initialized");
    return lock;
}

std::shared_ptr<RunningMember> Cluster::running() const {
    std::lock_guard lock(mutex_);
    if (!running_) throw not_initialized();
    return running_;
}

bool Cluster::initialized() const {
    std::lock_guard lock(mutex_);
    return running_ != nullptr;
}

std::string Cluster::cluster_id() const { return running()->store().cluster_id(); }

std::shared_ptr<RunningMember> Cluster::prepare(const Credentials& credentials) const {
    auto fresh =
        std::make_shared<RunningMember>(options_.self, addresses_to_bind(options_), credentials, files_, clock_, log_);
    options_.peer_routes(fresh->routes());
    return fresh;
}

ClusterStore::Options Cluster::store_options(const Credentials& credentials) const {
    ClusterStore::Options store;
    store.directory = files_.store_directory();
    store.host_id = options_.self.id;
    store.address = addresses_to_bind(options_).front();
    store.port = options_.self.store_port;
    store.own = credentials.own;
    store.authorities = credentials.authority;
    store.node_changed = [this](std::uint64_t node_id) {
        auto record = files_.record();
        if (!record) return;
        record->node_id = node_id;
        files_.set_record(*record);
    };
    return store;
}

void Cluster::start() {
    const std::lock_guard changing(changing_);
    const auto record = files_.record();
    if (!record) return;
    if (record->state != MemberState::member) {
        log_.warn("an init or a join of this host was cut off: repeat it");
        return;
    }
    if (record->host_id != options_.self.id)
        throw Error(ErrorKind::invalid_input,
                    options_.data_dir.string() + " belongs to host " + record->host_id + ", not to " + options_.self.id,
                    "start the agent with the host id it joined the cluster with");
    const Credentials credentials = files_.credentials();
    const auto fresh = prepare(credentials);
    auto options = store_options(credentials);
    options.known = {record->cluster_id, record->host_id, record->node_id};
    fresh->set_store(ClusterStore::resume(std::move(options), fresh->peers(), clock_, log_));
    fresh->serve();
    become_member(fresh, *record);
}

void Cluster::stop() {
    const std::lock_guard changing(changing_);
    std::shared_ptr<RunningMember> old;
    {
        std::lock_guard lock(mutex_);
        old.swap(running_);
    }
    if (old) old->stop();
}

JoinToken Cluster::init(const std::optional<std::string>& cluster_id, const Limit& limit) {
    const auto changing = begin_change();
    const std::string id = cluster_id.value_or(new_uuid());
    const KeyPair authority = make_authority("pgEdge cluster " + id);
    const Credentials credentials{authority.certificate, issue_certificate(authority, agent_certificate(options_.self)),
                                  Secret(from_hex(random_hex(kClusterKeySize)))};
    const auto fresh = prepare(credentials);  // first, since a taken port is the likeliest failure

    // Nobody has heard of a cluster whose init did not end, so what it left behind is thrown away.
    files_.clear_store();
    MemberRecord record{.state = MemberState::initializing,
                        .cluster_id = id,
                        .host_id = options_.self.id,
                        .authority = fingerprint_of(authority.certificate)};
    files_.set_record(record);
    files_.set_credentials(credentials);

    fresh->set_store(ClusterStore::found(store_options(credentials), id, fresh->peers(), clock_, log_));
    record.node_id = fresh->store().node_id();
    Transaction first;
    first.add(insert_cluster(id, authority.certificate, ClusterIssuer::sealed_key(fresh->secrets(), authority.key),
                             clock_.wall()));
    first.add(Hosts::insert(options_.self, std::to_string(record.node_id), clock_.wall()));
    if (!fresh->store().commit(first, limit).committed)
        throw Error(ErrorKind::internal, "the store of a new cluster is not empty");
    fresh->serve();
    fresh->store().wait_until_ready(limit);
    become_member(fresh, record);
    return join_token(limit);
}

/// A join that goes on where one was cut off has its node id: the cluster may know it already.
MemberRecord Cluster::joining_record(const JoinTokenParts& token) const {
    const auto before = files_.record();
    if (before && before->state == MemberState::joining && before->authority == token.fingerprint &&
        before->host_id == options_.self.id)
        return *before;
    files_.clear_store();
    MemberRecord record{.state = MemberState::joining,
                        .cluster_id = "",
                        .host_id = options_.self.id,
                        .node_id = new_node_id(),
                        .authority = token.fingerprint};
    files_.set_record(record);
    return record;
}

void Cluster::join(const JoinToken& token, const Limit& limit) {
    const auto changing = begin_change();
    const JoinTokenParts parts = parse_join_token(token.token);
    MemberRecord record = joining_record(parts);
    const JoinAnswer answer = ask_to_join(token, record.node_id, options_.self, options_.api_client, limit);
    const Credentials& credentials = answer.credentials;
    if (fingerprint_of(credentials.authority) != parts.fingerprint)
        throw Error(ErrorKind::denied, "the cluster answered with another authority than the token's")
            .named("invalid_join_token");
    files_.set_credentials(credentials);
    record.cluster_id = answer.cluster_id;
    files_.set_record(record);

    const auto fresh = prepare(credentials);
    const auto options = store_options(credentials);
    // Killed before its node wrote anything, this host has promised nothing to the others and may begin anew.
    const bool begun =
        ClusterStore::has_identity(options.directory) && StoreDirectory::has_engine_data(options.directory);
    if (!begun) files_.clear_store();
    fresh->set_store(begun ? ClusterStore::resume(options, fresh->peers(), clock_, log_)
                           : ClusterStore::join(options, answer.cluster_id, record.node_id, answer.hosts,
                                                fresh->peers(), clock_, log_));
    fresh->serve();  // before it is ready: the leader asks whether this host is there before it gives it a part
    fresh->store().wait_until_ready(limit);
    become_member(fresh, record);
}

void Cluster::become_member(const std::shared_ptr<RunningMember>& fresh, MemberRecord record) {
    if (record.state != MemberState::member) {
        record.state = MemberState::member;
        files_.set_record(record);
    }
    {
        std::lock_guard lock(mutex_);
        running_ = fresh;
    }
    log_.info("this host is a member of a cluster", {{"cluster", record.cluster_id}, {"host", record.host_id}});
    options_.on_member(
        {fresh->store().cluster_id(), fresh->store(), fresh->secrets(), fresh->issuer(), fresh->peers()});
}

JoinToken Cluster::join_token(const Limit& limit) {
    const auto member = running();
    JoinToken token{member->tokens().current(limit), {api_url(options_.self)}};
    for (const auto& host : Hosts(member->store()).list(limit))
        if (host.id != options_.self.id && host.unreadable.empty()) token.server_urls.push_back(api_url(host));
    return token;
}

void Cluster::add_public_api(Router& router) const {
    Api& joining = router.add(Api({.name = "joining", .prefixes = {"/v1/internal"}}));
    joining.add(Role::anyone, "POST", kInvitationPath, [this](const HttpRequest&, const PathParameters&) {
        return to_response(running()->desk().invitation());
    });
}

}  // namespace pgedge
