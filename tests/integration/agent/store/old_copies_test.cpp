// Stores that are put back from an old copy, lost, or deleted under a running agent: no acknowledged change vanishes,
// no process aborts, and the host comes back by itself.
#include <csignal>
#include <map>

#include "agent/store/raft/promises.hpp"
#include "common/base/file.hpp"
#include "common/base/json.hpp"
#include "tests/integration/agent/store/writer.hpp"

using namespace pgedge;
namespace fs = std::filesystem;

namespace {

std::string node_id(const Agents& agents, int number) {
    const auto text = read_file_if_there(agents.directory(number) / "identity.json");
    return text ? parse_json(*text).at("node_id").get<std::string>() : std::string();
}

/// What a restore of the machine, or of its folders, brings back.
class Copy {
public:
    Copy(const Agents& agents, int number)
        : agents_(agents), number_(number), place_(agents.folder() / ("copy-" + std::to_string(number))) {
        fs::create_directories(place_);
        fs::copy(agents_.directory(number_), place_ / "store", fs::copy_options::recursive);
        fs::copy(agents_.record(number_), place_ / "record", fs::copy_options::recursive);
    }
    void put_back_store() const { replace(agents_.directory(number_), place_ / "store"); }
    void put_back_all() const {
        put_back_store();
        replace(agents_.record(number_), place_ / "record");
    }
    /// As if the copy were of a version that kept no record.
    void put_back_without_record() const {
        put_back_store();
        for (const char* file : {"promises", "witness.json", "identity.json"})
            fs::remove(agents_.record(number_) / file);
    }

private:
    static void replace(const fs::path& place, const fs::path& copy) {
        fs::remove_all(place);
        fs::copy(copy, place, fs::copy_options::recursive);
    }
    const Agents& agents_;
    const int number_;
    const fs::path place_;
};

Copy copy_of(Agents& agents, int number) {
    agents.stop(number);
    Copy copy(agents, number);
    agents.resume(number);
    agents.wait_for_answer(number);
    return copy;
}

void write(Agents& agents, int through, const std::string& name) {
    auto store = agents.at(through);
    REQUIRE(store.commit(put_secret(name), soon()).committed);
}

LogEnd acknowledged_by(const Agents& agents, int number) {
    const PromiseFile file(agents.record(number) / "promises", std::stoull(node_id(agents, number)));
    return file.read().value_or(Promise{}).end;
}

/// Writes, and waits until `by` has acknowledged it.
void write_to(Agents& agents, int through, int by, const std::string& name) {
    write(agents, through, name);
    Agents::wait_for([&] { return acknowledged_by(agents, by) >= acknowledged_by(agents, through); });
}

/// Waits until `witness` has noted all that `host` has acknowledged: an acknowledgement may still be on its way, and
/// one that nobody got binds nobody.
void wait_until_known(const Agents& agents, int witness, int host) {
    const auto acknowledged = acknowledged_by(agents, host);
    Agents::wait_for([&] {
        const auto text = read_file_if_there(agents.record(witness) / "witness.json");
        if (!text) return false;
        Witness known;
        known.read(*text);
        return known.of(std::stoull(node_id(agents, host))).end >= acknowledged;
    });
}

/// Waits until the host runs another node than `before`, with everything that is confirmed, and all vote again.
void check_comes_back(Agents& agents, int number, const std::string& before, const std::set<std::string>& confirmed,
                      std::uint64_t voters = 3) {
    Agents::wait_for([&] {
        REQUIRE(agents.lives(number));
        return !node_id(agents, number).empty() && node_id(agents, number) != before;
    });
    Agents::wait_for([&] { return agents.at(agents.leader()).status(soon()).second == voters; });
    auto store = agents.at(number);
    Agents::wait_for([&] {
        try {
            return names(store) == confirmed;
        } catch (const Error&) {
            return false;
        }
    });
    Transaction guard;
    guard.add(Statement{.sql = "SELECT 1 FROM host WHERE id = ? AND node_id = ?",
                        .args = {Agents::host(number), node_id(agents, number)},
                        .expect = 1});
    CHECK(store.commit(guard, soon()).committed);
    // It holds the state itself: the file grows with what is committed from now on.
    const auto file = agents.directory(number) / "state.db";
    Agents::wait_for([&] { return fs::exists(file); });
}

std::set<std::string> names_at(Agents& agents, int number) {
    auto store = agents.at(number);
    return names(store);
}

int set_aside(const Agents& agents, int number) {
    int found = 0;
    for (const auto& entry : fs::directory_iterator(agents.folder()))
        found += entry.path().filename().string().starts_with(Agents::host(number) + "-before-");
    return found;
}

}  // namespace

TEST_CASE("a follower's old copy, put back while the third is away, takes nothing away when the good one stops") {
    Agents agents;
    const int good = agents.leader(), old = good % 3 + 1, third = old % 3 + 1;
    write(agents, good, "before");
    const auto copy = copy_of(agents, old);
    const auto before = node_id(agents, old);
    agents.kill(third);
    write(agents, good, "acknowledged");  // by the good one and the old one

    agents.kill(old);
    copy.put_back_store();
    agents.kill(good);
    agents.resume(old);
    agents.resume(third);
    agents.wait_for_answer(third);
    auto store = agents.at(third);
    CHECK_THROWS_AS(store.read({.sql = "SELECT 1"}, Freshness::leader, Limit(3s)), Error);

    agents.resume(good);
    check_comes_back(agents, old, before, {"before", "acknowledged"});
    CHECK(set_aside(agents, old) == 1);
    for (int number : {1, 2, 3}) CHECK(agents.lives(number));
}

TEST_CASE("a leader's old copy takes nothing away") {
    Agents agents;
    const int leader = agents.leader(), other = leader % 3 + 1;
    write(agents, other, "before");
    const auto copy = copy_of(agents, leader);
    const auto before = node_id(agents, leader);
    // It leads again: the others are asked to stand back until it does.
    for (int rest = agents.leader(); rest != leader; rest = agents.leader()) {
        agents.stop(rest);
        agents.resume(rest);
        agents.wait_for_answer(rest);
    }
    write(agents, other, "acknowledged");

    agents.kill(leader);
    copy.put_back_store();
    agents.resume(leader);
    check_comes_back(agents, leader, before, {"before", "acknowledged"});
    for (int number : {1, 2, 3}) CHECK(agents.lives(number));
}

TEST_CASE("an old copy of a stand-by is replaced too") {
    Agents agents({.hosts = 2});
    const int leader = agents.leader(), standby = 3 - leader;
    write(agents, leader, "before");
    Agents::wait_for([&] { return acknowledged_by(agents, standby) >= acknowledged_by(agents, leader); });
    auto there = agents.at(standby);
    const auto copy = copy_of(agents, standby);
    const auto before = node_id(agents, standby);
    for (int i = 0; i < 20; ++i) write_to(agents, leader, standby, std::to_string(i));
    std::set<std::string> confirmed = names(there);
    agents.stop(standby);
    copy.put_back_store();
    agents.resume(standby);
    check_comes_back(agents, standby, before, confirmed, 1);
}

TEST_CASE("a whole data directory that is put back is known by the others") {
    Agents agents;
    const int good = agents.leader(), old = good % 3 + 1, third = old % 3 + 1;
    write(agents, good, "before");
    const auto copy = copy_of(agents, old);
    const auto before = node_id(agents, old);
    write_to(agents, agents.leader(), old, "acknowledged");
    wait_until_known(agents, agents.leader(), old);

    SUBCASE("while they run") {
        agents.kill(old);
        copy.put_back_all();
    }
    SUBCASE("after all were stopped") {
        for (int number : {old, third, good}) agents.stop(number);
        copy.put_back_all();
        for (int number : {good, third}) agents.resume(number);
        for (int number : {good, third}) agents.wait_for_answer(number);
    }
    agents.resume(old);
    check_comes_back(agents, old, before, {"before", "acknowledged"});
    for (int number : {1, 2, 3}) CHECK(agents.lives(number));
}

TEST_CASE("a copy with the same log but an older term does not vote again") {
    Agents agents;
    const int leader = agents.leader(), old = leader % 3 + 1;
    write(agents, leader, "before");
    const auto copy = copy_of(agents, old);
    const auto metadata = agents.folder() / "metadata";
    fs::create_directories(metadata);
    for (const char* file : {"metadata1", "metadata2"})
        if (fs::exists(agents.directory(old) / "raft" / file))
            fs::copy(agents.directory(old) / "raft" / file, metadata / file);
    const auto before = node_id(agents, old);
    agents.kill(leader);  // the others elect one, in a new term
    write(agents, old, "acknowledged");

    agents.kill(old);
    for (const char* file : {"metadata1", "metadata2"}) {
        fs::remove(agents.directory(old) / "raft" / file);
        if (fs::exists(metadata / file)) fs::copy(metadata / file, agents.directory(old) / "raft" / file);
    }
    agents.resume(old);
    agents.resume(leader);
    check_comes_back(agents, old, before, {"before", "acknowledged"});
}

TEST_CASE("a store that is lost is fetched again") {
    Agents agents;
    const int leader = agents.leader();
    write(agents, leader, "acknowledged");
    for (const int lost : {leader % 3 + 1, leader}) {
        CAPTURE(lost == leader);
        const auto before = node_id(agents, lost);
        agents.stop(lost);
        fs::remove_all(agents.directory(lost));
        agents.resume(lost);
        check_comes_back(agents, lost, before, {"acknowledged"});
        CHECK(set_aside(agents, lost) == 0);
    }
}

TEST_CASE("a store deleted under a running agent stops voting and says why; a restart brings it back") {
    Agents agents;
    const int leader = agents.leader();
    std::set<std::string> confirmed;
    for (const int lost : {leader % 3 + 1, leader}) {
        CAPTURE(lost == leader);
        const auto before = node_id(agents, lost);
        fs::remove_all(agents.directory(lost));
        const auto begun = std::chrono::steady_clock::now();
        auto store = agents.at(lost);
        std::string said;
        Agents::wait_for([&] {
            try {
                store.read({.sql = "SELECT 1"}, Freshness::leader, Limit(1s));
            } catch (const Error& error) {
                said = error.text();
            }
            return said.find("was deleted") != std::string::npos;
        });
        CHECK(std::chrono::steady_clock::now() - begun < 3s);
        CHECK(agents.lives(lost));
        CHECK_FALSE(fs::exists(agents.directory(lost)));
        const auto name = std::to_string(lost);
        write(agents, lost % 3 + 1, name);  // the others go on
        confirmed.insert(name);
        agents.stop(lost);
        agents.resume(lost);
        check_comes_back(agents, lost, before, confirmed);
    }
}

TEST_CASE("a leader survives a follower that has lost what it acknowledged, and sends it for a fresh copy") {
    Agents agents;
    const int leader = agents.leader(), old = leader % 3 + 1, third = old % 3 + 1;
    write(agents, leader, "before");
    const auto copy = copy_of(agents, old);
    const auto before = node_id(agents, old);
    for (int i = 0; i < 5; ++i) write_to(agents, leader, old, std::to_string(i));
    REQUIRE(agents.leader() == leader);
    agents.kill(old);
    copy.put_back_without_record();
    for (int number : {leader, third}) write_file(agents.deaf(number), "");  // nobody can be asked

    agents.resume(old);
    agents.wait_for_answer(old);
    const Limit while_it_asks(3s);  // heartbeats come four times a second: the leader has seen it several times
    while (!while_it_asks.over()) {
        REQUIRE(agents.lives(leader));
        while_it_asks.pause(50ms);
    }
    for (int number : {leader, third}) fs::remove(agents.deaf(number));
    check_comes_back(agents, old, before, {"before", "0", "1", "2", "3", "4"});
    CHECK(agents.lives(leader));
}

TEST_CASE("a member whose committed entries the others contradict sets its log aside and lives on") {
    Agents agents;
    const int good = agents.leader(), one = good % 3 + 1, two = one % 3 + 1;
    write(agents, good, "before");
    const auto first = copy_of(agents, one), second = copy_of(agents, two);
    write_to(agents, agents.leader(), good, "acknowledged");
    const int frozen = good;
    const auto before = node_id(agents, frozen);
    Agents::wait_for([&] { return names_at(agents, frozen).contains("acknowledged"); });
    agents.signal(frozen, SIGSTOP);
    for (int number : {one, two}) agents.kill(number);
    first.put_back_without_record();
    second.put_back_without_record();
    for (int number : {one, two}) agents.resume(number);
    agents.wait_for_answer(one);
    for (int i = 0; i < 5; ++i) write(agents, one, "other " + std::to_string(i));

    agents.signal(frozen, SIGCONT);
    check_comes_back(agents, frozen, before, {"before", "other 0", "other 1", "other 2", "other 3", "other 4"});
    CHECK(set_aside(agents, frozen) == 1);
}
