// Hosts are killed, frozen, cut off, their disks stalled and filled, at random, while several askers write through
// them. At the end, everything that was acknowledged is there once, nothing that was refused is, and all members have
// the same state. PGEDGE_CHAOS_SEED repeats a sequence of faults, PGEDGE_CHAOS_SECONDS is how long it goes on.
#include <algorithm>
#include <cstdlib>
#include <list>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/base/error.hpp"
#include "tests/integration/agent/store/chaos_faults.hpp"
#include "tests/integration/agent/store/state_contents.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

constexpr int kHosts = 4;  // three voters and a stand-by
constexpr int kAskers = 6;
constexpr std::size_t kDiskMb = 192;          // with the room that an agent keeps for snapshots …
constexpr std::size_t kDiskMbPerMinute = 40;  // … and what is written is kept: in the state and two snapshots of it
constexpr auto kComeTogether = 90s;           // after the last fault

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text ? std::stoull(text) : otherwise;
}

void begin_rows(RemoteStore store) {
    Transaction transaction;
    std::vector<std::string> rows;
    for (int counter = 0; counter < History::kCounters; ++counter) rows.push_back(History::counter(counter));
    for (int asker = 0; asker < kAskers; ++asker) rows.push_back("count/" + std::to_string(asker));
    for (const auto& row : rows)
        transaction.add(
            Statement{.sql = "INSERT INTO secret(name, sealed, updated_at) VALUES (?, x'', 0)", .args = {row}});
    REQUIRE(store.commit(transaction, Limit(60s)).committed);
}

/// All members at the same entry hold the same.
void compare_all(const Surroundings& surroundings, History& history) {
    std::vector<StateContents> all;
    for (const Limit limit(kComeTogether);; limit.pause(10ms)) {
        all.clear();
        for (int host = 1; host <= kHosts; ++host) all.emplace_back(surroundings.disk(host) / "state.db");
        if (std::all_of(all.begin(), all.end(), [&](const auto& each) { return each.applied == all[0].applied; }))
            break;
        if (!limit.over()) continue;
        for (std::size_t host = 0; host < all.size(); ++host)
            history.complain(fmt::format("host {} stays at entry {}", host + 1, all[host].applied));
        return;
    }
    for (std::size_t other = 1; other < all.size(); ++other)
        for (const auto& difference : all[0].differences(all[other]))
            history.complain(fmt::format("hosts 1 and {}: {}", other + 1, difference));
    MESSAGE(all[0].applied << " entries applied, " << all[0].tables["secret"].size() << " rows");
}

/// Each host takes a change, and three of them vote. False: one does not, and was complained of.
bool come_together(Agents& agents, History& history) {
    const Limit limit(kComeTogether);
    for (int host = 1; host <= kHosts; ++host) {
        std::string why = "there are not three voters";
        const auto whole = [&] {
            Transaction nothing;
            nothing.add(Statement{.sql = "SELECT 1"});
            try {
                return agents.at(host).commit(nothing, Limit(10s)).committed &&
                       agents.at(agents.leader()).status(Limit(10s)).second == 3;
            } catch (const Error& error) {
                why = error.text();
                return false;
            }
        };
        while (!whole()) {
            if (limit.over()) {
                history.complain(fmt::format("without faults, host {} does not come back: {}", host, why));
                return false;
            }
            limit.pause(50ms);
        }
    }
    return true;
}

std::string tail_of(const std::filesystem::path& file) {
    constexpr std::size_t kTail = 3000;
    const auto text = read_file_if_there(file, 1 << 30).value_or("");
    return text.size() > kTail ? text.substr(text.size() - kTail) : text;
}

}  // namespace

TEST_CASE("whatever happens to hosts, disks and links, the store keeps its word and its members stay alike") {
    const auto seed = number_from("PGEDGE_CHAOS_SEED", std::random_device()());
    const auto length = std::chrono::seconds(number_from("PGEDGE_CHAOS_SECONDS", 60));
    MESSAGE("PGEDGE_CHAOS_SEED=" << seed);
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(length).count();
    Surroundings surroundings(kHosts, kDiskMb + kDiskMbPerMinute * static_cast<std::size_t>(minutes));
    Agents agents({.hosts = kHosts,
                   .network = Surroundings::kNetwork,
                   .folder = surroundings.folder(),
                   .within = [&](int host) { return surroundings.on(host); },
                   .keep_messages = true});
    begin_rows(agents.at(agents.leader()));
    Incarnations incarnations{};
    History history;
    Faults faults(agents, surroundings, kHosts, incarnations, history, seed);
    {
        std::list<Asker> askers;
        struct Heal {  // also when a check fails: whoever waits for a stalled disk cannot be killed
            Faults& faults;
            ~Heal() { faults.heal(); }
        } heal{faults};
        for (int asker = 0; asker < kAskers; ++asker)
            askers.emplace_back(agents, kHosts, asker, incarnations, history, seed + 1 + static_cast<unsigned>(asker));
        for (const Limit limit(length); !limit.over() && history.complaints().empty(); limit.pause(20ms)) faults.step();
        faults.heal();
        for (auto& asker : askers) asker.stop();
        for (auto& asker : askers) asker.join();
        if (come_together(agents, history)) {
            auto store = agents.at(agents.leader());
            history.check(store);
            for (const auto& asker : askers) asker.check(store);
            compare_all(surroundings, history);
        }
        faults.look_for_ended();
    }
    MESSAGE(history.acknowledged() << " changes acknowledged; " << faults.counts());
    CHECK(history.acknowledged() > 100);
    if (history.complaints().empty()) return;
    for (const auto& line : faults.told()) MESSAGE(line);
    for (int host = 1; host <= kHosts; ++host) MESSAGE("host " << host << ": " << tail_of(agents.messages(host)));
    for (const auto& complaint : history.complaints()) FAIL_CHECK(complaint);
}
