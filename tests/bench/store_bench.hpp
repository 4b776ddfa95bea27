#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace pgedge::bench {

/// Size of what is written by each put and each commit.
inline constexpr std::size_t kValueBytes = 200;

/// Commits `count` lines of a task's log one after the other, as agents do, and prints median and p99. `data_dir` is
/// that of an agent of the cluster, whose identity is used; `agents` are "host-1=127.0.0.1" with the default ports.
void run_store(int count, const std::string& data_dir, const std::vector<std::string>& agents);

/// The same from `askers` threads at once, each with its own connection; prints commits per second.
void run_askers(int askers, int count, const std::string& data_dir, const std::vector<std::string>& agents);

/// Commits `count` tasks, each with its log, one after the other: prints the median of the first tenth and of the last.
void run_growth(int count, const std::string& data_dir, const std::vector<std::string>& agents);

/// Writes `count` rows of 1 KB.
void run_fill(int count, const std::string& data_dir, const std::vector<std::string>& agents);

/// Sends the leader's process a signal and prints the milliseconds until a commit is acknowledged, then the leader's
/// host. `agents` are "host-1=127.0.0.1" and `pids` in the same order.
void run_outage(int signal, const std::vector<int>& pids, const std::string& data_dir,
                const std::vector<std::string>& agents);

/// Writes `count` databases of three nodes into the store: rows for the API to show, with nothing behind them.
void seed_databases(int count, const std::string& data_dir, const std::vector<std::string>& agents);

}  // namespace pgedge::bench
