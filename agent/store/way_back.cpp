#include "agent/store/way_back.hpp"

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "agent/store/raft/node_info.hpp"
#include "agent/store/store_protocol.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace fs = std::filesystem;
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kReferenceLimit{1000}, kReturnLimit{5000};
constexpr std::chrono::seconds kDeleteOld{30};
constexpr std::size_t kMaxAsked = 16, kKept = 2;

/// The newest kKept of the folders whose names begin so stay.
void forget_older(const fs::path& folder, const std::string& prefix) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    for (std::size_t i = 0; i + kKept < found.size(); ++i) delete_tree(found[i], Limit(kDeleteOld));
}

/// A name of this second that nothing has yet.
fs::path free_name(const fs::path& folder, const std::string& prefix, const Clock& clock) {
    const auto time = to_rfc3339(clock.wall()).substr(0, 19);
    for (int number = 1;; ++number) {
        auto path = folder / fmt::format("{}{}{}", prefix, time, number == 1 ? "" : fmt::format("-{}", number));
        if (!fs::exists(path)) return path;
    }
}

}  // namespace

std::string reference_answer(const Promise& promise, const std::string& listed) {
    auto encoder = begin_answer(CallStatus::ok);
    for (const auto number : {promise.term, promise.vote, promise.end.term, promise.end.index}) encoder.number(number);
    encoder.text(listed);
    return encoder.take();
}

Reference ask_for_reference(const std::string& host, const PeerAddress& address, StorePeers& peers,
                            const StoreIdentity& self, const Limit& limit) {
    Encoder request;
    request.number(self.node_id);
    const auto answer = peers.call(host, address, "reference", request.take(), limit);
    Decoder decoder(answer);
    if (CallStatus(decoder.number()) != CallStatus::ok) return {};
    Reference reference;
    reference.promise.term = decoder.number();
    reference.promise.vote = decoder.number();
    reference.promise.end.term = decoder.number();
    reference.promise.end.index = decoder.number();
    reference.node_id = parse_node_id(decoder.text()).value_or(0);
    return reference;
}

Reference ask_for_reference(const AddressBook& addresses, StorePeers& peers, const StoreIdentity& self,
                            const Limit& limit) {
    auto hosts = addresses.all();
    hosts.erase(self.host_id);
    const auto soon = limit.no_longer_than(kReferenceLimit);
    std::mutex mutex;
    Reference all;
    std::vector<std::jthread> asking;
    for (const auto& [host, address] : hosts) {
        if (asking.size() == kMaxAsked) break;
        asking.emplace_back([&, host = host, address = address] {
            try {
                const auto known = ask_for_reference(host, address, peers, self, soon);
                const std::lock_guard lock(mutex);
                all.promise = both(all.promise, known.promise);
                if (known.node_id != 0) all.node_id = known.node_id;
            } catch (const std::exception&) {
                // This one knows nothing now. Whoever leads later is asked again.
            }
        });
    }
    asking.clear();
    return all;
}

std::optional<std::map<std::string, PeerAddress>> ask_to_return(const AddressBook& addresses, StorePeers& peers,
                                                                const StoreIdentity& self, const Limit& limit,
                                                                std::string& why) {
    Encoder request;
    request.number(self.node_id);
    for (const auto& [host, address] : addresses.all()) {
        if (host == self.host_id || limit.over()) continue;
        try {
            const auto answer =
                peers.call(host, address, "return", request.bytes(), limit.no_longer_than(kReturnLimit));
            Decoder decoder(answer);
            if (CallStatus(decoder.number()) != CallStatus::ok) {
                why = fmt::format("{}: {}", host, decoder.text());
                continue;
            }
            std::map<std::string, PeerAddress> hosts;
            for (auto left = decoder.number(); left > 0; --left) {
                const auto id = decoder.text();
                auto& found = hosts[id];
                found.store = decoder.text();
                found.peer = decoder.text();
            }
            return hosts;
        } catch (const Error& error) {
            why = fmt::format("{}: {}", host, error.text());
        }
    }
    return std::nullopt;
}

std::string answer_return(Decoder& request, const std::string& caller, const std::string& cluster_id, Store& store,
                          const AddressBook& addresses, const Limit& limit) {
    const auto node_id = request.number();
    if (caller.empty() || node_id == 0) return answer_with(CallStatus::invalid, "a host has to say which node it runs");
    Transaction transaction;
    transaction.add(Statement{
        .sql = "UPDATE host SET node_id = ? WHERE id = ?", .args = {std::to_string(node_id), caller}, .expect = 1});
    if (!store.commit(transaction, limit).committed)
        return answer_with(CallStatus::failed,
                           fmt::format("host {} is not in cluster {} any more", caller, cluster_id));
    const auto hosts = addresses.all();
    auto encoder = begin_answer(CallStatus::ok);
    encoder.number(hosts.size());
    for (const auto& [host, address] : hosts) {
        encoder.text(host);
        encoder.text(address.store);
        encoder.text(address.peer);
    }
    return encoder.take();
}

fs::path set_aside(const fs::path& directory, const Clock& clock) {
    const bool something = StoreDirectory::has_identity(directory) || StoreDirectory::has_engine_data(directory) ||
                           fs::exists(directory / "state.db");
    if (!something) return {};  // the folders alone, which a start makes
    const auto beside = directory.filename().string() + "-before-";
    auto place = free_name(directory.parent_path(), beside, clock);
    std::error_code failure;
    fs::rename(directory, place, failure);
    if (!failure) {
        sync_directory(directory.parent_path());
        forget_older(directory.parent_path(), beside);
        return place;
    }
    if (failure != std::errc::device_or_resource_busy && failure != std::errc::cross_device_link)
        throw Error(ErrorKind::failed,
                    fmt::format("cannot move {} to {}: {}", directory.string(), place.string(), failure.message()));
    const std::string inside = "before-";
    place = free_name(directory, inside, clock);
    make_directory(place, 0700);
    for (const auto& entry : fs::directory_iterator(directory))
        if (!entry.path().filename().string().starts_with(inside) && entry.path().filename() != "lost+found")
            fs::rename(entry.path(), place / entry.path().filename());
    sync_directory(directory);
    forget_older(directory, inside);
    return place;
}

}  // namespace pgedge
