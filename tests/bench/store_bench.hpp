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

/// Writes `count` databases of three nodes into the store: rows for the API to show, with nothing behind them.
void seed_databases(int count, const std::string& data_dir, const std::vector<std::string>& agents);

}  // namespace pgedge::bench
