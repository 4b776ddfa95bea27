#include "agent/ha/sync_set.hpp"

#include <algorithm>
#include <bit>
#include <deque>
#include <map>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

using namespace pgedge;

namespace {

// The proof by enumeration: all sets of up to four standbys, all orders of changes, a crash after each half of a step,
// and for each commit every set of standbys that may hold it at least.

constexpr int kStandbys = 4;
constexpr unsigned kSets = 1U << kStandbys;
using Set = unsigned;  ///< of standbys, one bit each

Set bits(const std::set<std::string>& members) {
    Set set = 0;
    for (const auto& member : members)
        if (member != kNoStandby) set |= 1U << static_cast<unsigned>(member[0] - 'a');
    return set;
}
std::set<std::string> names(Set set) {
    std::set<std::string> members;
    for (unsigned i = 0; i < kStandbys; ++i)
        if (set & (1U << i)) members.insert(std::string(1, static_cast<char>('a' + i)));
    return members;
}
int size(Set set) { return std::popcount(set); }

/// What some acknowledged commit may be held by at least, besides the primary: only sets of which no part is in it too,
/// because less is worse.
class Holders {
public:
    void add(Set held) {
        for (Set other = 0; other < kSets; ++other)
            if (has(other) && (other & held) == other) return;
        for (Set other = 0; other < kSets; ++other)
            if ((other & held) == held) all_ &= ~(1U << other);
        all_ |= 1U << held;
    }
    bool has(Set held) const { return (all_ & (1U << held)) != 0; }
    bool operator==(const Holders&) const = default;
    auto operator<=>(const Holders&) const = default;

private:
    unsigned all_ = 0;
};

struct World {
    StoredSyncSet stored;
    ServerSyncSet server;
    Holders holders;
    auto key() const { return std::tuple(stored.members, stored.votes, server.members, server.copies, holders); }
    bool operator<(const World& other) const { return key() < other.key(); }

    /// Commits are acknowledged all the time.
    void commit() {
        const Set members = bits(server.members);
        const bool nobody_answers = server.members.contains(kNoStandby);
        if (nobody_answers) return;
        for (Set held = 0; held < kSets; ++held)
            if ((held & members) == held && size(held) == server.copies) holders.add(held);
    }
    /// No candidate that finds enough votes lacks an acknowledged commit: those that lack it and are not ahead of it
    /// are too few.
    bool safe() const {
        if (stored.members.empty()) return true;
        for (Set held = 0; held < kSets; ++held)
            if (holders.has(held) && size(bits(stored.members) & ~held) > stored.votes) return false;
        return true;
    }
};

/// All worlds that one step leads to, those of a crash on the way included.
std::vector<World> worlds_after(const World& before, const SyncStep& step) {
    std::vector<World> worlds;
    World world = before;
    if (!step.server_first) {
        world.stored = step.stored;
        world.commit();
        worlds.push_back(world);
        world.server = step.server;
        world.commit();
        worlds.push_back(world);
        return worlds;
    }
    world.server = step.server;
    world.commit();
    worlds.push_back(world);
    const Set members = bits(step.server.members);
    for (Set flushed = 0; flushed < kSets; ++flushed) {
        if ((flushed & members) != flushed || size(flushed) != step.confirm) continue;
        World confirmed = world;
        confirmed.holders = {};
        for (Set held = 0; held < kSets; ++held)
            if (world.holders.has(held)) confirmed.holders.add(held | flushed);
        confirmed.commit();
        worlds.push_back(confirmed);
        confirmed.stored = step.stored;
        confirmed.commit();
        worlds.push_back(confirmed);
    }
    return worlds;
}

std::vector<WantedSyncSet> all_wishes() {
    std::vector<WantedSyncSet> wishes;
    for (Set members = 0; members < kSets; ++members)
        for (int copies = size(members) == 0 ? 0 : 1; copies <= size(members); ++copies)
            for (const bool strict : {false, true}) wishes.push_back({names(members), copies, strict});
    return wishes;
}

World at_first() {
    World world;
    world.commit();
    return world;
}

/// The different steps that any wish asks for.
std::vector<SyncStep> steps_from(const World& world) {
    static std::map<World, std::vector<SyncStep>> known;
    const auto [found, is_new] = known.try_emplace({world.stored, world.server, {}});
    if (is_new)
        for (const auto& wish : all_wishes())
            if (const auto step = next_sync_step(world.stored, world.server, wish))
                if (std::find(found->second.begin(), found->second.end(), *step) == found->second.end())
                    found->second.push_back(*step);
    return found->second;
}

/// Every world that any order of wishes, steps and crashes leads to.
std::set<World> find_worlds() {
    std::set<World> seen{at_first()};
    std::deque<World> todo{at_first()};
    while (!todo.empty()) {
        const World world = todo.front();
        todo.pop_front();
        for (const auto& step : steps_from(world))
            for (const auto& next : worlds_after(world, step))
                if (seen.insert(next).second) todo.push_back(next);
    }
    return seen;
}

const std::set<World>& all_worlds() {
    static const auto worlds = find_worlds();
    return worlds;
}

/// The same without what is acknowledged, which no step depends on.
std::set<World> all_settings() {
    std::set<World> settings;
    for (const auto& world : all_worlds()) settings.insert({world.stored, world.server, {}});
    return settings;
}

std::string text(const World& world) {
    const auto joined = [](const std::set<std::string>& members) {
        std::string all;
        for (const auto& member : members) all += member;
        return all;
    };
    return "stored " + joined(world.stored.members) + " votes " + std::to_string(world.stored.votes) + ", server " +
           joined(world.server.members) + " copies " + std::to_string(world.server.copies);
}

}  // namespace

TEST_CASE("no order of changes and crashes lets a candidate be promoted without an acknowledged commit") {
    const auto worlds = all_worlds();
    CHECK(worlds.size() > 1'000);
    std::string unsafe;
    for (const auto& world : worlds)
        if (!world.safe() && unsafe.empty()) unsafe = text(world);
    CHECK(unsafe == "");
}

TEST_CASE("from wherever a crash left it, every wish comes true, and only usable standbys are asked to confirm") {
    constexpr int kMostSteps = 8;
    std::string stuck, asks_the_dead;
    for (const auto& start : all_settings())
        for (const auto& wish : all_wishes()) {
            if (wish.members.empty()) continue;
            auto stored = start.stored;
            auto server = start.server;
            for (int i = 0;; ++i) {
                const auto step = next_sync_step(stored, server, wish);
                if (!step) break;
                if (step->server_first && size(bits(step->server.members) & bits(wish.members)) < step->confirm)
                    asks_the_dead = text(start);
                stored = step->stored;
                server = step->server;
                if (i == kMostSteps) {
                    stuck = text(start);
                    break;
                }
            }
            const StoredSyncSet goal{wish.members, static_cast<int>(wish.members.size()) - wish.copies};
            if (stuck.empty() && (stored != goal || server.members != wish.members || server.copies != wish.copies))
                stuck = text(start) + " ended as " + text({stored, server, {}});
        }
    CHECK(stuck == "");
    CHECK(asks_the_dead == "");
}

TEST_CASE("a promotion keeps every acknowledged commit from being lost by the next one") {
    std::string unsafe, wrong;
    std::size_t tried = 0;
    for (const auto& world : all_worlds()) {
        if (world.stored.members.empty()) continue;
        for (Set promoted = 1; promoted < kSets; promoted <<= 1U)
            for (Set held = 0; held < kSets; ++held) {
                if (!world.holders.has(held)) continue;
                // It has the commit, as the test above shows; then all others that do not have it may be the next.
                const auto id = *names(promoted).begin();
                for (const bool strict : {false, true}) {
                    const auto step = after_promotion(world.stored, id, strict);
                    World after{step.stored, step.server, {}};
                    after.holders.add(held & ~promoted);
                    ++tried;
                    if (!after.safe() && unsafe.empty()) unsafe = id + " out of " + text(world);
                    if (step.server_first || after.stored.members.contains(id) || after.server.members.contains(id) ||
                        (strict && after.server.copies < 1))
                        wrong = id + " out of " + text(world);
                }
            }
    }
    CHECK(tried > 1'000);
    CHECK(unsafe == "");
    CHECK(wrong == "");
}

TEST_CASE("without a usable standby commits go on alone, or wait when strict") {
    const StoredSyncSet stored{{"a", "b"}, 1};
    const ServerSyncSet server{{"a", "b"}, 1};

    CHECK(next_sync_step(stored, server, {}) == SyncStep{false, {}, {}, 0});
    CHECK(next_sync_step({}, {}, {}) == std::nullopt);
    CHECK(next_sync_step(stored, server, {{}, 0, true}) == std::nullopt);
    CHECK(next_sync_step({}, {}, {{}, 0, true}) == SyncStep{false, {{kNoStandby}, 1}, {}, 0});
}

TEST_CASE("a standby that every commit waits for is confirmed before the store names it") {
    const auto step = next_sync_step({}, {}, {{"a"}, 1, false});
    CHECK(step == SyncStep{true, {{"a"}, 1}, {{"a"}, 0}, 1});
}
