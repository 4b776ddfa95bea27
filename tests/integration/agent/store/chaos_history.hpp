#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/agent/store/processes.hpp"

namespace pgedge {

/// What several askers wrote and were told, and whether the store kept its word. Safe from any thread.
class History {
public:
    static constexpr int kCounters = 3;
    static std::string counter(int number) { return "counter/" + std::to_string(number); }

    /// Of an insert, or of the deletion of a row that was there.
    enum class Known { present, absent, maybe };
    void note(const std::string& row, Known known);
    /// A counter was raised from `value`, or perhaps.
    void raised(int counter, std::int64_t value, bool acknowledged);
    void complain(std::string what);
    std::vector<std::string> complaints() const;
    std::size_t acknowledged() const { return acknowledged_; }

    /// Compares with what the store holds at the end, when nothing is under way any more.
    void check(Store& store);

private:
    void check_rows(const std::set<std::string>& there);
    void check_counter(int counter, std::int64_t value);

    mutable std::mutex mutex_;
    std::map<std::string, Known> rows_;
    std::map<std::pair<int, std::int64_t>, std::pair<int, int>> raised_;  // how often: acknowledged, perhaps
    std::vector<std::string> complaints_;
    std::atomic<std::size_t> acknowledged_{0};
};

/// How often each host's agent was started: what an agent was told of, it knows until it ends.
using Incarnations = std::array<std::atomic<int>, 16>;

/// One who writes through random hosts, one thing after the other, and reads it again.
class Asker {
public:
    Asker(const Agents& agents, int hosts, int number, const Incarnations& incarnations, History& history,
          std::uint64_t seed);
    Asker(const Asker&) = delete;
    Asker& operator=(const Asker&) = delete;
    void stop() { thread_.request_stop(); }
    void join() { thread_.join(); }
    /// After join(): its own rows were counted where they were written.
    void check(Store& store) const;

private:
    enum class End { committed, refused, failed, unknown };
    void run(const std::stop_token& stop);
    void insert();
    void remove();
    void raise();
    void write_what_is_refused();
    void read_leader();
    void read_local();
    End commit(const Transaction& transaction);
    std::int64_t count(Store& store, Freshness freshness, const Limit& limit) const;
    int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
    std::string own_count() const { return "count/" + std::to_string(number_); }

    const int hosts_, number_;
    const Incarnations& incarnations_;
    History& history_;
    std::vector<RemoteStore> stores_;
    std::mt19937_64 random_;
    std::vector<std::string> present_;
    int next_row_ = 0, through_ = 0;
    std::int64_t inserted_ = 0, perhaps_inserted_ = 0;
    std::set<std::string> perhaps_;
    /// By host: what was acknowledged through it, and in which incarnation of its agent.
    std::map<int, std::pair<std::int64_t, int>> told_;
    std::jthread thread_;
};

}  // namespace pgedge
