#include "agent/store/leader_finder.hpp"

#include <algorithm>
#include <thread>
#include <vector>

#include "agent/store/state/codec.hpp"
#include "common/base/error.hpp"

namespace pgedge {

LeaderFinder::LeaderFinder(const AddressBook& addresses, StorePeers& peers, std::string host_id)
    : addresses_(addresses), peers_(peers), host_id_(std::move(host_id)) {}

std::string LeaderFinder::answer(std::uint64_t node_id, bool disk_full) {
    Encoder encoder;
    {
        const std::lock_guard lock(mutex_);
        asked_ = true;
        encoder.text(leader_.value_or(""));
    }
    doubted_.notify_all();
    encoder.number(node_id);
    encoder.number(disk_full ? 1 : 0);
    return encoder.take();
}

std::string LeaderFinder::no_answer() {
    Encoder encoder;
    encoder.text("");
    encoder.number(0);
    encoder.number(0);
    return encoder.take();
}

void LeaderFinder::look() {
    {
        const std::lock_guard lock(mutex_);
        asked_ = true;
    }
    doubted_.notify_all();
}

void LeaderFinder::set(std::optional<std::string> leader) {
    std::stop_source before;
    {
        const std::lock_guard lock(mutex_);
        if (leader_ == leader) return;
        leader_ = std::move(leader);
        before = std::exchange(unchanged_, std::stop_source());
        if (stopped_) unchanged_.request_stop();
    }
    doubted_.notify_all();
    before.request_stop();  // without the lock: it may run callbacks
}

void LeaderFinder::stop() {
    std::stop_source source;
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        source = unchanged_;
    }
    source.request_stop();
}

std::optional<std::string> LeaderFinder::known() const {
    const std::lock_guard lock(mutex_);
    return leader_;
}

std::stop_token LeaderFinder::while_unchanged() {
    const std::lock_guard lock(mutex_);
    return unchanged_.get_token();
}

void LeaderFinder::doubt(const std::string& host_id) {
    if (known() == host_id) set(std::nullopt);
}

void LeaderFinder::note(const NodeInfo& leader) {
    if (leader.id != 0) set(leader.address);
}

void LeaderFinder::wait_a_moment(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    doubted_.wait_for(lock, stop, leader_ ? kWatch : kAskAgain,
                      [&, led = leader_.has_value()] { return asked_ || (led && !leader_); });
    asked_ = false;
}

std::optional<std::string> LeaderFinder::ask_peers(const Limit& limit) {
    auto hosts = addresses_.all();
    hosts.erase(host_id_);
    const auto voters = addresses_.voters();
    std::vector<std::pair<std::string, PeerAddress>> asked;
    for (const auto& [host, address] : hosts)
        if (voters.empty() || std::find(voters.begin(), voters.end(), host) != voters.end())
            asked.emplace_back(host, address);
    if (asked.size() > kMaxAsked) asked.resize(kMaxAsked);

    std::mutex mutex;
    std::optional<std::string> named, leading;
    const auto soon = limit.no_longer_than(kAskLimit);
    {
        std::vector<std::jthread> asking;
        for (const auto& [host, address] : asked)
            asking.emplace_back([&, host = host, address = address] {
                try {
                    const auto answer = peers_.call(host, address, "leader", "", soon);
                    const auto leader = Decoder(answer).text();
                    const std::lock_guard lock(mutex);
                    if (leader == host)
                        leading = host;
                    else if (!leader.empty())
                        named = leader;
                } catch (const std::exception&) {
                    // This one knows nothing now; the next round asks it again.
                }
            });
    }
    return leading ? leading : named;  // who says "I" knows best
}

std::string LeaderFinder::find(const Limit& limit) {
    for (;;) {
        if (auto leader = known()) return *leader;
        {
            const std::lock_guard search(search_);
            if (auto leader = known()) return *leader;
            if (!limit.over())  // it may have ended while others searched
                if (auto leader = ask_peers(limit)) set(std::move(leader));
            if (auto leader = known()) return *leader;
        }
        {
            const std::lock_guard lock(mutex_);
            if (stopped_) throw Error(ErrorKind::unreachable, "the store is stopping");
        }
        if (limit.stop().stop_requested()) limit.check("looking for the store's leader");
        if (!limit.pause(kAskAgain) && !limit.stop().stop_requested())
            throw Error(ErrorKind::unreachable, "the store has no leader",
                        "a majority of the voting hosts must be up and reach each other");
    }
}

}  // namespace pgedge
