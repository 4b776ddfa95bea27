#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/agent/store/chaos_history.hpp"
#include "tests/integration/agent/store/surroundings.hpp"

namespace pgedge {

/// Kills, freezes, cuts off, stalls and fills hosts at random, up to three things at once, each for a while. For one
/// thread.
class Faults {
public:
    Faults(Agents& agents, Surroundings& surroundings, int hosts, Incarnations& incarnations, History& history,
           std::uint64_t seed);
    /// Ends what is due, perhaps begins another, and looks whether an agent has ended by itself.
    void step();
    /// Ends all of them; every agent runs.
    void heal();
    /// One that has ended by itself is complained of, and started again.
    void look_for_ended();
    /// What was done and when, newest last.
    const std::vector<std::string>& told() const { return told_; }
    std::string counts() const;

private:
    using Clock = std::chrono::steady_clock;
    struct Fault {
        Clock::time_point until;
        std::set<std::string> holds;  // "process 1", "disk 2": nothing else may be done to these
        std::string name;
        std::function<void()> end;
    };
    int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
    bool held(const std::string& thing) const;
    void begin_one();
    void begin(std::string name, std::set<std::string> holds, int at_most_ms, const std::function<void()>& work,
               std::function<void()> end);
    void kill(int host);
    void kill_all();
    void stop(int host);
    void freeze(int host);
    void cut(int host);
    void split();
    void stall(int host);
    void fill(int host);
    void start(int host);
    void tell(const std::string& what);

    Agents& agents_;
    Surroundings& surroundings_;
    const int hosts_;
    Incarnations& incarnations_;
    History& history_;
    std::mt19937_64 random_;
    const Clock::time_point begun_ = Clock::now();
    std::list<Fault> active_;
    Clock::time_point next_ = Clock::now();
    std::set<int> had_full_disk_;  // in the life of the agent that runs there
    std::set<int> stopping_;
    std::map<std::string, int> counts_;
    std::vector<std::string> told_;
};

}  // namespace pgedge
