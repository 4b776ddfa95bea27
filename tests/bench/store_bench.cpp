#include "tests/bench/store_bench.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <iostream>
#include <map>
#include <thread>

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
constexpr auto kStoreCallLimit = 10s, kOutageLimit = 60s;
constexpr auto kAskLimit = 2s;
constexpr int kStorePort = 2380, kPeerPort = 2379;
constexpr int kDatabasesAtOnce = 25, kRowsAtOnce = 100;

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
        if (!leader_.empty() && commit_at(leader_, encoder.bytes(), kStoreCallLimit)) return;
        if (!commit_somewhere(encoder.bytes(), kStoreCallLimit))
            throw Error(ErrorKind::unreachable, "no agent leads the store");
    }
    /// Asks the other agents again and again until one of them has it; the same transaction, so it is there once.
    void commit_elsewhere(const Transaction& transaction) {
        Encoder encoder;
        encoder.transaction(transaction);
        addresses_.erase(leader_);
        for (const Limit limit(kOutageLimit); !commit_somewhere(encoder.bytes(), kAskLimit); limit.pause(2ms))
            limit.check("waiting for another leader");
    }
    const std::string& leader() const { return leader_; }

private:
    bool commit_somewhere(const std::string& body, std::chrono::milliseconds limit) {
        for (const auto& [host, address] : addresses_) {
            if (!commit_at(host, body, limit)) continue;
            leader_ = host;
            return true;
        }
        return false;
    }
    /// False: it is not the leader, or does not know yet.
    bool commit_at(const std::string& host, const std::string& body, std::chrono::milliseconds limit) {
        const std::string answer = peers_.call(host, addresses_.at(host), "commit", body, Limit(limit));
        Decoder decoder(answer);
        const auto status = static_cast<CallStatus>(decoder.number());
        if (status == CallStatus::not_leader || status == CallStatus::again) return false;
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

Task stored_task() {
    Task task;
    task.id = new_uuid();
    task.scope = "host";
    task.entity_id = "bench";
    task.type = "bench";
    task.status = TaskStatus::completed;
    task.created_at = SystemClock().wall();
    task.completed_at = task.created_at;
    return task;
}
Transaction insert(const Task& task) {
    Transaction transaction;
    transaction.add(Tasks::insert(task, TaskStage::none, Json::object()));
    return transaction;
}
Transaction log_line(const Task& task, std::size_t bytes) {
    const TaskLogEntry entry{new_uuid(), SystemClock().wall(), std::string(bytes, 'x'), Json::object()};
    Transaction transaction;
    transaction.add(Tasks::append_log(task.id, entry));
    return transaction;
}

}  // namespace

void run_store(int count, const std::string& data_dir, const std::vector<std::string>& agents) {
    RunningStore store(data_dir, agents);
    const auto task = stored_task();
    store.commit(insert(task));
    const auto latencies = measure(count, [&] { store.commit(log_line(task, kValueBytes)); });
    std::cout << latencies.line() << "\n";
}

void run_askers(int askers, int count, const std::string& data_dir, const std::vector<std::string>& agents) {
    RunningStore first(data_dir, agents);
    const auto task = stored_task();
    first.commit(insert(task));
    std::atomic<int> left{count};
    const auto begin = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < askers; ++i)
            threads.emplace_back([&] {
                RunningStore store(data_dir, agents);
                while (left.fetch_sub(1) > 0) store.commit(log_line(task, kValueBytes));
            });
    }
    const Milliseconds all = std::chrono::steady_clock::now() - begin;
    std::cout << fmt::format("{:.0f}\n", 1000 * count / all.count());
}

void run_growth(int count, const std::string& data_dir, const std::vector<std::string>& agents) {
    RunningStore store(data_dir, agents);
    const auto tenth = [&] {
        return measure(count / 10,
                       [&] {
                           const auto task = stored_task();
                           store.commit(insert(task).add(log_line(task, kValueBytes).statements));
                       })
            .at(0.5);
    };
    const auto first = tenth();
    for (int i = 0; i < 7; ++i) tenth();
    std::cout << fmt::format("{:.2f} {:.2f}\n", first, tenth());
}

void run_fill(int count, const std::string& data_dir, const std::vector<std::string>& agents) {
    RunningStore store(data_dir, agents);
    const auto task = stored_task();
    store.commit(insert(task));
    for (int i = 0; i < count;) {
        Transaction rows;
        for (int j = 0; j < kRowsAtOnce && i < count; ++j, ++i) rows.add(log_line(task, 1000).statements);
        store.commit(rows);
    }
}

void run_outage(int signal, const std::vector<int>& pids, const std::string& data_dir,
                const std::vector<std::string>& agents) {
    RunningStore store(data_dir, agents);
    const auto task = stored_task();
    store.commit(insert(task));
    const auto leader = store.leader();
    const auto place =
        std::find_if(agents.begin(), agents.end(), [&](const auto& agent) { return agent.starts_with(leader + "="); }) -
        agents.begin();
    if (::kill(pids.at(static_cast<std::size_t>(place)), signal) != 0)
        throw Error(ErrorKind::failed, "the leader's process got no signal: " + errno_text(errno));
    const auto begin = std::chrono::steady_clock::now();
    store.commit_elsewhere(log_line(task, kValueBytes));
    const Milliseconds pause = std::chrono::steady_clock::now() - begin;
    std::cout << fmt::format("{:.0f} {}\n", pause.count(), leader);
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
