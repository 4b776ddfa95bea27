#include "tests/bench/store_bench.hpp"

#include <iostream>
#include <map>

#include <fmt/format.h>

#include "agent/cluster/member_files.hpp"
#include "agent/cluster/peer_client.hpp"
#include "agent/store/state/codec.hpp"
#include "agent/store/store_protocol.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"
#include "tests/bench/latency.hpp"

namespace pgedge::bench {
namespace {

using namespace std::chrono_literals;
constexpr auto kStoreCallLimit = 10s;
constexpr int kStorePort = 2380, kPeerPort = 2379;
constexpr int kDatabasesAtOnce = 25;

/// The store of a running cluster, asked from outside the way agents ask each other.
class RunningStore {
public:
    RunningStore(const std::string& data_dir, const std::vector<std::string>& agents)
        : credentials_(MemberFiles(data_dir).credentials()), peers_(credentials_.own, credentials_.authority) {
        for (const auto& agent : agents) {
            const auto at = agent.find('=');
            if (at == std::string::npos) throw Error(ErrorKind::invalid_input, "\"" + agent + "\" is not HOST=ADDRESS");
            const std::string address = agent.substr(at + 1);
            addresses_[agent.substr(0, at)] = {fmt::format("{}:{}", address, kStorePort),
                                               fmt::format("{}:{}", address, kPeerPort)};
        }
    }

    void commit(const Transaction& transaction) {
        Encoder encoder;
        encoder.transaction(transaction);
        if (!leader_.empty() && commit_at(leader_, encoder.bytes())) return;
        for (const auto& [host, address] : addresses_) {
            if (!commit_at(host, encoder.bytes())) continue;
            leader_ = host;
            return;
        }
        throw Error(ErrorKind::unreachable, "no agent leads the store");
    }

private:
    /// False: it is not the leader.
    bool commit_at(const std::string& host, const std::string& body) {
        const std::string answer = peers_.call(host, addresses_.at(host), "commit", body, Limit(kStoreCallLimit));
        Decoder decoder(answer);
        const auto status = static_cast<CallStatus>(decoder.number());
        if (status == CallStatus::not_leader) return false;
        if (status != CallStatus::ok) throw Error(ErrorKind::failed, "the store refused a commit: " + decoder.text());
        if (!decoder.result().committed) throw Error(ErrorKind::failed, "a guard of a commit did not hold");
        return true;
    }

    const Credentials credentials_;
    PeerClient peers_;
    std::map<std::string, PeerAddress> addresses_;
    std::string leader_;
};

Database stored_database(int number, WallTime now) {
    Database database;
    database.id = fmt::format("bench-{:04}", number);
    database.state = DatabaseState::available;
    database.dialect = "pglogical";
    database.revision = 1;
    database.created_at = database.updated_at = now;
    database.spec.database_name = "storefront";
    database.spec.postgresql_conf = {{"max_connections", "200"}, {"work_mem", "16MB"}};
    for (int i = 1; i <= 3; ++i) {
        NodeSpec node;
        node.name = fmt::format("n{}", i);
        node.host_ids = {fmt::format("host-{}", i)};
        database.spec.nodes.push_back(node);
    }
    return database;
}

}  // namespace

void run_store(int count, const std::string& data_dir, const std::vector<std::string>& agents) {
    RunningStore store(data_dir, agents);
    const SystemClock clock;
    Task task;
    task.id = new_uuid();
    task.scope = "host";
    task.entity_id = "bench";
    task.type = "bench";
    task.status = TaskStatus::completed;
    task.created_at = clock.wall();
    task.completed_at = task.created_at;
    store.commit(Transaction().add(Tasks::insert(task, TaskStage::none, Json::object())));
    const auto latencies = measure(count, [&] {
        const TaskLogEntry entry{new_uuid(), clock.wall(), std::string(kValueBytes, 'x'), Json::object()};
        store.commit(Transaction().add(Tasks::append_log(task.id, entry)));
    });
    std::cout << latencies.line() << "\n";
}

void seed_databases(int count, const std::string& data_dir, const std::vector<std::string>& agents) {
    RunningStore store(data_dir, agents);
    const WallTime now = SystemClock().wall();
    for (int i = 0; i < count;) {
        Transaction transaction;
        for (int j = 0; j < kDatabasesAtOnce && i < count; ++j, ++i)
            transaction.add(Databases::insert(stored_database(i, now)));
        store.commit(transaction);
    }
}

}  // namespace pgedge::bench
