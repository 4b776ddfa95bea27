#pragma once

// Who writes to agents' stores while they are killed, frozen and restored.
#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "tests/integration/agent/store/processes.hpp"

namespace pgedge {

using namespace std::chrono_literals;

inline Limit soon() { return Limit(60s); }

inline Transaction put_secret(const std::string& name) {
    Transaction transaction;
    transaction.add(
        Statement{.sql = "INSERT INTO secret(name, sealed, updated_at) VALUES (?, x'00', 1)", .args = {name}});
    return transaction;
}

inline std::set<std::string> names(Store& store) {
    std::set<std::string> found;
    for (const auto& row : store.read({.sql = "SELECT name FROM secret"}, Freshness::leader, soon()))
        found.insert(row.text(0));
    return found;
}

/// Commits one after the other through one agent; a transaction is sent again with its id until it is answered.
struct Writer {
    Writer(RemoteStore through, std::string prefix)
        : store(std::move(through)), thread([this, prefix](const std::stop_token& stop) { run(prefix, stop); }) {}
    void run(const std::string& prefix, const std::stop_token& stop) {
        for (int i = 0; !stop.stop_requested(); ++i) {
            const auto name = fmt::format("{}/{}", prefix, i);
            const auto transaction = put_secret(name);
            const auto begun = std::chrono::steady_clock::now();
            for (;;) {
                try {
                    if (!store.commit(transaction, Limit(25s)).committed) ++refused;
                    confirmed.insert(name);
                    break;
                } catch (const Error& error) {
                    if (!error.transient()) ++refused;
                    if (!error.transient() || stop.stop_requested()) break;
                    Limit(5ms).pause(5ms);
                }
            }
            longest = std::max(longest,
                               std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun));
            ++rounds;
        }
    }
    RemoteStore store;
    std::set<std::string> confirmed;
    std::chrono::milliseconds longest{0};
    std::atomic<int> rounds{0}, refused{0};
    std::jthread thread;
};

}  // namespace pgedge
