// Agents in processes of their own, killed and frozen. The leader's death must cost no more than a pause.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/store/tables/leases.hpp"
#include "common/base/error.hpp"
#include "tests/integration/agent/store/writer.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

TEST_CASE("killing the leader again and again loses nothing, doubles nothing, and the feed has no gap") {
    Agents agents;
    // Writers use agents that stay up in their round; the reader of the feed too.
    std::set<std::string> confirmed;
    std::chrono::milliseconds longest{0};
    for (int round = 0; round < 5; ++round) {
        CAPTURE(round);
        const int victim = agents.leader(), through = victim % 3 + 1, reader = through % 3 + 1;
        auto feed = agents.at(reader);
        auto revision = feed.wait_for_changes(0, soon()).revision;
        Writer writer(agents.at(through), fmt::format("round-{}", round));
        Agents::wait_for([&] { return writer.rounds > 20; });

        agents.kill(victim);

        const int at_kill = writer.rounds;
        Agents::wait_for([&] { return writer.rounds > at_kill + 20; });
        writer.thread.request_stop();
        writer.thread.join();
        std::set<std::string> told;
        for (const auto limit = soon();
             !limit.over() &&
             !std::includes(told.begin(), told.end(), writer.confirmed.begin(), writer.confirmed.end());) {
            const auto changes = feed.wait_for_changes(revision, limit);
            CHECK_FALSE(changes.relist);
            revision = changes.revision;
            for (const auto& change : changes.changes) told.insert(change.name);
        }
        CHECK(std::includes(told.begin(), told.end(), writer.confirmed.begin(), writer.confirmed.end()));
        CHECK(writer.refused == 0);
        longest = std::max(longest, writer.longest);
        confirmed.merge(writer.confirmed);
        agents.resume(victim);
        agents.wait_for_answer(victim);  // it may be asked in the next round
        Agents::wait_for([&] { return !names(feed).empty(); });
    }
    auto any = agents.at(agents.leader());
    const auto there = names(any);
    CHECK(std::includes(there.begin(), there.end(), confirmed.begin(), confirmed.end()));
    MESSAGE("longest pause of a writer over five kills of the leader: " << longest.count() << " ms, "
                                                                        << confirmed.size() << " writes");
}

TEST_CASE("all agents killed and started again go on with everything that was confirmed") {
    Agents agents;
    std::set<std::string> confirmed;
    {
        Writer writer(agents.at(1), "a");
        Agents::wait_for([&] { return writer.rounds > 30; });
        for (int number : {2, 3, 1}) agents.kill(number);
        writer.thread.request_stop();
        writer.thread.join();
        confirmed = writer.confirmed;
    }
    for (int number : {1, 2, 3}) agents.resume(number);
    auto store = agents.at(agents.leader());
    const auto there = names(store);
    CHECK(std::includes(there.begin(), there.end(), confirmed.begin(), confirmed.end()));
    CHECK(there.size() <= confirmed.size() + 1);
}

TEST_CASE("agents of an earlier version go on as agents of this one, with everything that was confirmed") {
    const char* old = std::getenv("PGEDGE_OLD_STORE_AGENT");
    if (!old) {
        MESSAGE("not run: PGEDGE_OLD_STORE_AGENT names no program of an earlier version");
        return;
    }
    Agents agents(Agents::Options{.program = old});
    std::set<std::string> confirmed;
    {
        Writer writer(agents.at(1), "old");
        Agents::wait_for([&] { return writer.rounds > 300; });  // several snapshots, and entries after the last
        for (int number : {2, 3, 1}) agents.kill(number);
        writer.thread.request_stop();
        writer.thread.join();
        confirmed = writer.confirmed;
    }
    agents.use(PGEDGE_STORE_AGENT);
    for (int number : {1, 2, 3}) agents.resume(number);
    auto store = agents.at(agents.leader());
    const auto there = names(store);
    CHECK(std::includes(there.begin(), there.end(), confirmed.begin(), confirmed.end()));
    CHECK(there.size() <= confirmed.size() + 1);
    {
        Writer writer(agents.at(1), "new");
        Agents::wait_for([&] { return writer.rounds > 50; });
        for (int number : {1, 3, 2}) agents.kill(number);
        writer.thread.request_stop();
        writer.thread.join();
        confirmed.merge(writer.confirmed);
    }
    for (int number : {3, 2, 1}) agents.resume(number);
    auto again = agents.at(agents.leader());
    const auto all = names(again);
    CHECK(std::includes(all.begin(), all.end(), confirmed.begin(), confirmed.end()));
}

TEST_CASE("a frozen leader is replaced, and takes nothing back when it thaws") {
    Agents agents;
    const int frozen = agents.leader(), through = frozen % 3 + 1;
    auto store = agents.at(through);
    store.commit(put_secret("before"), soon());

    agents.signal(frozen, SIGSTOP);
    const auto begun = std::chrono::steady_clock::now();
    CHECK(store.commit(put_secret("while frozen"), soon()).committed);
    const auto pause = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
    agents.signal(frozen, SIGCONT);

    MESSAGE("pause with a frozen leader: " << pause.count() << " ms");
    auto thawed = agents.at(frozen);
    CHECK(thawed.commit(put_secret("after"), soon()).committed);
    CHECK(names(store) == std::set<std::string>{"before", "while frozen", "after"});
}

TEST_CASE("what a frozen leader is asked, it does not answer with what it had before, when it thaws") {
    Agents agents;
    for (int round = 0; round < 5; ++round) {
        const int frozen = agents.leader(), through = frozen % 3 + 1;
        const auto name = fmt::format("round-{}", round);
        agents.signal(frozen, SIGSTOP);
        std::set<std::string> seen;
        std::jthread reader([&, store = agents.at(frozen)]() mutable { seen = names(store); });
        Agents::wait_for([&] { return agents.at(through).commit(put_secret(name), soon()).committed; });
        agents.signal(frozen, SIGCONT);
        reader.join();
        CHECK(seen.contains(name));
        agents.wait_for_answer(frozen);
    }
}

TEST_CASE("leaders that are frozen while they answer long reads live on") {
    Agents agents;
    Transaction many;
    many.add(Statement{.sql = "INSERT INTO secret(name, sealed, updated_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                              "SELECT i + 1 FROM n WHERE i < 2000) SELECT printf('%0100d', i), x'00', 1 FROM n"});
    REQUIRE(agents.at(1).commit(many, soon()).committed);
    std::atomic<int> whole{0}, partial{0};
    std::vector<std::jthread> readers;
    for (int reader = 0; reader < 6; ++reader)
        readers.emplace_back([&, store = agents.at(1 + reader % 3)](const std::stop_token& stop) mutable {
            while (!stop.stop_requested()) try {
                    ++(names(store).size() >= 2000 ? whole : partial);
                } catch (const Error&) {
                    Limit(5ms).pause(5ms);  // nobody leads
                }
        });

    for (int round = 0; round < 5; ++round) {
        const int frozen = agents.leader(), before = whole;
        Agents::wait_for([&] { return whole > before + 5; });
        agents.signal(frozen, SIGSTOP);
        auto other = agents.at(frozen % 3 + 1);
        Agents::wait_for([&] { return other.commit(put_secret(std::to_string(round)), soon()).committed; });
        agents.signal(frozen, SIGCONT);
        Agents::wait_for([&] { return whole > before + 20 || !agents.lives(frozen); });
        REQUIRE(agents.lives(frozen));
    }
    CHECK(partial == 0);
}

TEST_CASE("a full disk of the leader stops nobody") {
    std::unique_ptr<Agents> disks;
    try {
        disks = std::make_unique<Agents>(Agents::Options{.disk_mb = 64});
    } catch (const Error& error) {
        MESSAGE("not run: small disks need root (" << error.what() << ")");
        CHECK(error.kind() == ErrorKind::denied);
        return;
    }
    auto& agents = *disks;
    const int leader = agents.leader(), through = leader % 3 + 1;
    auto store = agents.at(through);
    store.commit(put_secret("big"), soon());
    const auto write = [&](int round, const Limit& limit) {
        Transaction transaction;
        transaction.add(Statement{.sql = "UPDATE secret SET sealed = ?, updated_at = ? WHERE name = 'big'",
                                  .args = {Blob{std::string(500'000, 'x')}, std::int64_t{round}},
                                  .expect = 1});
        return store.commit(transaction, limit).committed;
    };

    Agents::fill_disk(agents.directory(leader));
    for (int round = 1; round <= 60; ++round) REQUIRE(write(round, soon()));  // 30 MB: more than was laid out before

    Agents::free_disk(agents.directory(leader));
    CHECK(write(1000, Limit(60s)));
    CHECK(store.read({.sql = "SELECT updated_at FROM secret WHERE name = 'big'"}, Freshness::leader, soon())
              .at(0)
              .integer(0) == 1000);
}

TEST_CASE("over a real cluster too, a lease has one holder at a time, whoever is killed or frozen") {
    Agents agents;
    const SystemClock clock;
    const int leader = agents.leader(), one_at = leader % 3 + 1, two_at = one_at % 3 + 1;
    auto one_store = agents.at(one_at), two_store = agents.at(two_at);
    Leases one(one_store, clock, "lease-host-1", "a"), two(two_store, clock, "lease-host-2", "a");
    constexpr auto kHold = 15000ms;  // far more than a change of the leader takes, also on a slow machine
    REQUIRE(one.try_take("primary", "one", kHold, soon()));
    std::atomic<bool> both{false}, frozen{false};
    std::jthread holder([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            try {
                if (!frozen) one.beat(Limit(2s));
            } catch (const Error&) {
                // not renewed
            }
            Limit(100ms, stop).pause(100ms);
        }
    });
    std::jthread watcher([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            const bool second = two.holds("primary");  // first of the two: it may lose it in between, not gain it
            if (second && one.holds("primary")) both = true;
            Limit(1ms, stop).pause(1ms);
        }
    });
    const auto contend = [&] {
        try {
            return two.try_take("primary", "two", kHold, Limit(1s));
        } catch (const Error&) {
            return false;
        }
    };
    agents.kill(leader);  // costs the holder nothing
    for (const Limit limit(kHold + 2s); !limit.over(); limit.pause(100ms)) CHECK_FALSE(contend());
    Agents::wait_for([&] { return one.holds("primary"); });

    frozen = true;
    const auto begun = std::chrono::steady_clock::now();
    Agents::wait_for(contend);
    const auto took = std::chrono::steady_clock::now() - begun;
    CHECK(took > kHold / 2);  // counted from the last beat that "two" saw
    Transaction late;
    late.add(one.still_mine("primary"));
    CHECK_FALSE(one_store.commit(late, soon()).committed);
    holder.request_stop();
    watcher.request_stop();
    CHECK_FALSE(both);
}

TEST_CASE("an agent that starts again never shows an older state than it had shown before") {
    Agents agents;
    const int leader = agents.leader(), restarted = leader % 3 + 1;
    auto store = agents.at(restarted);
    const Statement count{.sql = "SELECT count(*) FROM secret"};
    for (int batch = 0; batch < 30; ++batch) {  // fewer than make a snapshot: all of it comes from the log
        std::vector<std::jthread> askers;
        for (int i = 0; i < 20; ++i)
            askers.emplace_back(
                [&, i] { agents.at(leader).commit(put_secret(fmt::format("{}/{}", batch, i)), soon()); });
    }
    Agents::wait_for([&] { return store.read(count, Freshness::local, soon()).at(0).integer(0) == 600; });

    agents.kill(restarted);
    agents.resume(restarted);
    std::optional<std::int64_t> first;
    Agents::wait_for([&] {
        try {
            first = store.read(count, Freshness::local, Limit(2s)).at(0).integer(0);
        } catch (const Error&) {
            return false;  // it does not listen yet
        }
        return true;
    });
    CHECK(first == 600);
}
