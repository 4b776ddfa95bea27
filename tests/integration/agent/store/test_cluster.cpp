#include "tests/integration/agent/store/test_cluster.hpp"

#include <csignal>
#include <cstdlib>
#include <thread>

#include "agent/store/raft/raft_engine.hpp"
#include "agent/store/tables/hosts.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"
#include "common/net/tls.hpp"

namespace pgedge {

using namespace std::chrono_literals;

class InProcessPeers::Caller final : public StorePeers {
public:
    Caller(InProcessPeers& peers, std::string from) : peers_(peers), from_(std::move(from)) {}
    std::string call(const std::string& host_id, const PeerAddress&, std::string_view name, const std::string& body,
                     const Limit& limit) override {
        return peers_.call(from_, host_id, name, body, limit);
    }

private:
    InProcessPeers& peers_;
    const std::string from_;
};

void InProcessPeers::attach(const std::string& host, ClusterStore* store) {
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            if (store)
                stores_[host] = store;
            else
                stores_.erase(host);
            if (store || busy_[host] == 0) return;  // nobody is inside the store that goes away
        }
        std::this_thread::sleep_for(1ms);
    }
}

void InProcessPeers::cut_off(const std::string& host, bool cut) {
    const std::lock_guard lock(mutex_);
    if (cut)
        cut_.insert(host);
    else
        cut_.erase(host);
}

StorePeers& InProcessPeers::of(const std::string& host) {
    const std::lock_guard lock(mutex_);
    auto& caller = callers_[host];
    if (!caller) caller = std::make_unique<Caller>(*this, host);
    return *caller;
}

std::string InProcessPeers::call(const std::string& from, const std::string& to, std::string_view name,
                                 const std::string& body, const Limit& limit) {
    ClusterStore* store = nullptr;
    {
        const std::lock_guard lock(mutex_);
        limit.check("calling another agent");
        const auto found = stores_.find(to);
        if (found == stores_.end() || cut_.contains(to) || cut_.contains(from))
            throw Error(ErrorKind::unreachable, to + " does not answer");
        store = found->second;
        ++busy_[to];
    }
    auto answer = store->answer(name, body, from);
    const std::lock_guard lock(mutex_);
    --busy_[to];
    if (cut_.contains(to) || cut_.contains(from)) throw Error(ErrorKind::unreachable, to + " does not answer");
    return answer;
}

TestCluster::TestCluster(int first_address)
    : first_address_(first_address),
      folder_(std::filesystem::temp_directory_path() / ("pgedge-cluster-" + random_hex(6))),
      authority_(make_authority("pgedge test")) {
    std::signal(SIGPIPE, SIG_IGN);  // as main() of the agent does
    std::filesystem::create_directories(folder_);
    if (std::getenv("PGEDGE_TEST_LOG")) log = Log::to_stderr(LogLevel::debug);
}

TestCluster::~TestCluster() {
    while (!stores_.empty()) stop(std::stoi(stores_.begin()->first.substr(5)));
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

ClusterStore::Options TestCluster::options(int number) const {
    const CertificateRequest request{.common_name = host(number),
                                     .dns_names = {agent_dns_name(host(number))},
                                     .ip_addresses = {address(number)},
                                     .server = true,
                                     .client = true};
    ClusterStore::Options options;
    options.directory = directory(number);
    options.host_id = host(number);
    options.address = address(number);
    options.port = 2380;
    options.own = issue_certificate(authority_, request);
    options.authorities = authority_.certificate;
    options.dead_after = dead_after;
    options.level = facts(number).level;
    return options;
}

ClusterStore& TestCluster::keep(int number, std::unique_ptr<ClusterStore> store) {
    auto& kept = *(stores_[host(number)] = std::move(store));
    peers_.attach(host(number), &kept);
    return kept;
}

Host TestCluster::facts(int number) const {
    Host facts;
    facts.id = host(number);
    facts.peer_addresses = {address(number)};
    const auto level = levels.find(number);
    facts.level = level == levels.end() ? newest_schema_version() : level->second;
    return facts;
}

void TestCluster::write_facts(ClusterStore& through, int number) {
    Transaction transaction;
    transaction.add(Hosts::update_facts(facts(number)));
    through.commit(transaction, Limit(60s));
}

void TestCluster::add_host_row(ClusterStore& through, int number, std::uint64_t node_id) {
    const Host row = facts(number);
    Transaction transaction;
    transaction.add(Hosts::insert(row, std::to_string(node_id), clock_.wall()));
    if (!through.commit(transaction, Limit(60s)).committed)
        throw Error(ErrorKind::conflict, row.id + " is there already");
}

ClusterStore& TestCluster::start(int number) {
    auto& peers = peers_.of(host(number));
    if (stores_.empty()) {
        auto& first = keep(number, ClusterStore::found(options(number), "test-cluster", peers, clock_, log));
        first.wait_until_ready(Limit(60s));
        add_host_row(first, number, first.node_id());
        return first;
    }
    auto& member = *stores_.begin()->second;
    ClusterStore::Peers known;
    for (const auto& [id, store] : stores_) known[id] = {address(std::stoi(id.substr(5))) + ":2380", "unused:1"};
    const auto node_id = new_node_id();
    auto& joined =
        keep(number, ClusterStore::join(options(number), "test-cluster", node_id, known, peers, clock_, log));
    add_host_row(member, number, node_id);
    joined.wait_until_ready(Limit(60s));
    return joined;
}

void TestCluster::stop(int number) {
    at(number).stop();  // ends the calls that are inside
    peers_.attach(host(number), nullptr);
    stores_.erase(host(number));
}

ClusterStore& TestCluster::resume(int number) {
    return keep(number, ClusterStore::resume(options(number), peers_.of(host(number)), clock_, log));
}

int TestCluster::leader() {
    for (const Limit limit(60s); !limit.over(); limit.pause(5ms))
        for (const auto& [id, store] : stores_)
            if (store->leads()) return std::stoi(id.substr(5));
    throw Error(ErrorKind::timed_out, "no leader");
}

void TestCluster::wait_for_voters(std::size_t voters) {
    for (const Limit limit(90s); !limit.over(); limit.pause(10ms))
        if (at(leader()).voters().size() == voters) return;
    throw Error(ErrorKind::timed_out, "not as many voters as wanted");
}

}  // namespace pgedge
