#include "agent/store/address_book.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/json.hpp"

namespace pgedge {

AddressBook::AddressBook(std::filesystem::path file) : file_(std::move(file)) {
    const auto text = read_file_if_there(file_);
    if (!text) return;
    try {
        const Json stored = parse_json(*text);
        for (const auto& [host, address] : stored.at("hosts").items())
            hosts_[host] = {address.at("store"), address.at("peer")};
        stored.at("voters").get_to(voters_);
    } catch (const std::exception& error) {
        throw Error(ErrorKind::failed, fmt::format("{} cannot be read: {}", file_.string(), error.what()));
    }
}

std::optional<PeerAddress> AddressBook::find(const std::string& host_id) const {
    const std::lock_guard lock(mutex_);
    const auto found = hosts_.find(host_id);
    return found == hosts_.end() ? std::nullopt : std::optional(found->second);
}

std::map<std::string, PeerAddress> AddressBook::all() const {
    const std::lock_guard lock(mutex_);
    return hosts_;
}

std::vector<std::string> AddressBook::voters() const {
    const std::lock_guard lock(mutex_);
    return voters_;
}

void AddressBook::set(const std::map<std::string, PeerAddress>& hosts) {
    const std::lock_guard lock(mutex_);
    if (hosts_ == hosts) return;
    hosts_ = hosts;
    save();
}

void AddressBook::set_voters(const std::vector<std::string>& host_ids) {
    auto sorted = host_ids;
    std::sort(sorted.begin(), sorted.end());
    const std::lock_guard lock(mutex_);
    if (voters_ == sorted) return;
    voters_ = std::move(sorted);
    save();
}

void AddressBook::save() const {
    Json hosts = Json::object();
    for (const auto& [host, address] : hosts_) hosts[host] = {{"store", address.store}, {"peer", address.peer}};
    write_file(file_, to_text(Json{{"hosts", std::move(hosts)}, {"voters", voters_}}) + "\n", 0600);
}

std::string address_text(const std::string& host, int port) {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

}  // namespace pgedge
