#include "tests/integration/agent/store/chaos_faults.hpp"

#include <csignal>

#include <fmt/format.h>
#include <sys/wait.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostAtOnce = 3;

std::string process_of(int host) { return fmt::format("process {}", host); }
std::string disk_of(int host) { return fmt::format("disk {}", host); }

}  // namespace

Faults::Faults(Agents& agents, Surroundings& surroundings, int hosts, Incarnations& incarnations, History& history,
               std::uint64_t seed)
    : agents_(agents),
      surroundings_(surroundings),
      hosts_(hosts),
      incarnations_(incarnations),
      history_(history),
      random_(seed) {}

void Faults::step() {
    look_for_ended();
    for (auto fault = active_.begin(); fault != active_.end();) {
        if (Clock::now() < fault->until) {
            ++fault;
            continue;
        }
        tell("end of: " + fault->name);
        fault->end();
        fault = active_.erase(fault);
    }
    if (Clock::now() < next_ || active_.size() >= kMostAtOnce) return;
    begin_one();
    next_ = Clock::now() + std::chrono::milliseconds(300 + pick(2200));
}

void Faults::heal() {
    for (auto& fault : active_) {
        tell("end of: " + fault.name);
        fault.end();
    }
    active_.clear();
}

bool Faults::held(const std::string& thing) const {
    for (const auto& fault : active_)
        if (fault.holds.contains(thing)) return true;
    return false;
}

void Faults::begin_one() {
    const int host = 1 + pick(hosts_), choice = pick(100);
    const bool process_free = !held(process_of(host)), disk_free = !held(disk_of(host)), net_free = !held("network");
    // Whoever waits for a stalled disk cannot be waited for.
    const bool both_free = process_free && disk_free;
    if (choice < 24 && both_free) return kill(host);
    if (choice < 30 && both_free) return stop(host);
    if (choice < 33 && active_.empty()) return kill_all();
    if (choice < 50 && process_free) return freeze(host);
    if (choice < 68 && net_free) return cut(host);
    if (choice < 74 && net_free) return split();
    if (choice < 88 && both_free) return stall(host);
    if (disk_free) fill(host);
}

void Faults::begin(std::string name, std::set<std::string> holds, int at_most_ms, const std::function<void()>& work,
                   std::function<void()> end) {
    const int length = pick(10) == 0 ? at_most_ms : pick(at_most_ms / 2);
    tell(fmt::format("{}, for {} ms", name, length));
    ++counts_[name.substr(0, name.find(' '))];
    work();
    active_.push_back({Clock::now() + std::chrono::milliseconds(length), std::move(holds), name, std::move(end)});
}

void Faults::start(int host) {
    if (!held("full " + std::to_string(host))) had_full_disk_.erase(host);
    ++incarnations_[static_cast<std::size_t>(host)];
    agents_.resume(host);
}

void Faults::kill(int host) {
    begin(
        fmt::format("kill {}", host), {process_of(host)}, 6000,
        [=, this] {
            ++incarnations_[static_cast<std::size_t>(host)];
            agents_.kill(host);
        },
        [=, this] { start(host); });
}

/// As of a power cut.
void Faults::kill_all() {
    std::set<std::string> holds;
    for (int host = 1; host <= hosts_; ++host) holds.insert(process_of(host));
    begin(
        "kill-all", holds, 2000,
        [this] {
            for (int host = 1; host <= hosts_; ++host) {
                ++incarnations_[static_cast<std::size_t>(host)];
                if (agents_.runs(host)) agents_.kill(host);
            }
        },
        [this] {
            for (int host = 1; host <= hosts_; ++host) start(host);
        });
}

/// In good order; killed when it takes longer than it is given.
void Faults::stop(int host) {
    begin(
        fmt::format("stop {}", host), {process_of(host)}, 6000,
        [=, this] {
            ++incarnations_[static_cast<std::size_t>(host)];
            agents_.signal(host, SIGTERM);
            stopping_.insert(host);
        },
        [=, this] {
            stopping_.erase(host);
            if (agents_.runs(host)) agents_.kill(host);
            start(host);
        });
}

void Faults::freeze(int host) {
    begin(
        fmt::format("freeze {}", host), {process_of(host)}, 8000, [=, this] { agents_.signal(host, SIGSTOP); },
        [=, this] {
            if (agents_.runs(host)) agents_.signal(host, SIGCONT);
        });
}

/// Between two hosts, or from all others, one way or both.
void Faults::cut(int host) {
    const int way = pick(3), other = pick(2) == 0 ? 0 : 1 + (host + pick(hosts_ - 1)) % hosts_;
    const auto each = [=, this](const std::function<void(int, int)>& act) {
        for (int peer = 1; peer <= hosts_; ++peer) {
            if (peer == host || (other != 0 && peer != other)) continue;
            if (way != 1) act(host, peer);
            if (way != 0) act(peer, host);
        }
    };
    const auto* direction = way == 0 ? "what it sends" : way == 1 ? "what it gets" : "both ways";
    begin(
        fmt::format("cut {} from {} ({})", host, other == 0 ? "all" : std::to_string(other), direction), {"network"},
        pick(4) == 0 ? 26'000 : 8000,  // the long ones cost a host its vote
        [=, this] { each([this](int from, int to) { surroundings_.cut(from, to); }); },
        [=, this] { each([this](int from, int to) { surroundings_.mend(from, to); }); });
}

/// Two groups that do not reach each other.
void Faults::split() {
    const unsigned group = 1 + static_cast<unsigned>(pick((1 << hosts_) - 2));
    const auto each = [=, this](const std::function<void(int, int)>& act) {
        for (int from = 1; from <= hosts_; ++from)
            for (int to = 1; to <= hosts_; ++to)
                if (((group >> (from - 1)) & 1U) != ((group >> (to - 1)) & 1U)) act(from, to);
    };
    begin(
        fmt::format("split into {:b} and the others", group), {"network"}, 8000,
        [=, this] { each([this](int from, int to) { surroundings_.cut(from, to); }); },
        [=, this] { each([this](int from, int to) { surroundings_.mend(from, to); }); });
}

void Faults::stall(int host) {
    begin(
        fmt::format("stall {}", host), {disk_of(host), process_of(host)}, 6000,
        [=, this] { surroundings_.stall(host); }, [=, this] { surroundings_.thaw(host); });
}

void Faults::fill(int host) {
    begin(
        fmt::format("fill {}", host), {disk_of(host), "full " + std::to_string(host)}, 8000,
        [=, this] {
            had_full_disk_.insert(host);
            Agents::fill_disk(surroundings_.disk(host));
        },
        [=, this] { Agents::free_disk(surroundings_.disk(host)); });
}

/// An agent may refuse to start, or stop, with a full disk, and is started again as systemd would. Nothing else ends
/// one.
void Faults::look_for_ended() {
    for (int host = 1; host <= hosts_; ++host) {
        const auto end = agents_.ended(host);
        if (!end) continue;
        const bool orderly = WIFEXITED(*end);
        // It may be told to stop before it waits for that.
        if (stopping_.contains(host) && (orderly ? WEXITSTATUS(*end) == 0 : WTERMSIG(*end) == SIGTERM)) continue;
        tell(fmt::format(
            "host {} ended with {}", host,
            orderly ? fmt::format("code {}", WEXITSTATUS(*end)) : fmt::format("signal {}", WTERMSIG(*end))));
        if (!orderly || !had_full_disk_.contains(host)) history_.complain(told_.back());
        if (stopping_.contains(host)) continue;
        Limit(100ms).pause(100ms);
        start(host);
    }
}

std::string Faults::counts() const {
    std::string text;
    for (const auto& [name, count] : counts_) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
    return text;
}

void Faults::tell(const std::string& what) {
    const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun_);
    told_.push_back(fmt::format("{:>7} ms: {}", at.count(), what));
}

}  // namespace pgedge
