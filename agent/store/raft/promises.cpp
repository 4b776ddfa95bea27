#include "agent/store/raft/promises.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/base/json.hpp"

namespace pgedge {
namespace {

constexpr std::uint64_t kMark = 0x3154'4550'4745'4450;  // "PDEGPET1"

/// mark, member, term, vote, index and term of the newest entry, zero, checksum
using Words = std::array<std::uint64_t, 8>;

/// FNV-1a: it has to find a torn or foreign file, not an attacker.
std::uint64_t checksum(const Words& words) {
    std::uint64_t sum = 0xcbf2'9ce4'8422'2325;
    for (std::size_t i = 0; i + 1 < words.size(); ++i)
        for (unsigned shift = 0; shift < 64; shift += 8) sum = (sum ^ (words[i] >> shift & 0xff)) * 0x0100'0000'01b3;
    return sum;
}

}  // namespace

std::string what_is_missing(const Promise& promised, const Promise& has) {
    if (has.end < promised.end)
        return fmt::format("its log ends with entry {} of term {}, but it has acknowledged entry {} of term {}",
                           has.end.index, has.end.term, promised.end.index, promised.end.term);
    if (has.term < promised.term)
        return fmt::format("it knows term {}, but it has taken part in term {}", has.term, promised.term);
    if (has.term == promised.term && promised.vote != 0 && has.vote != promised.vote)
        return fmt::format("it has forgotten whom it gave its vote in term {}", has.term);
    return {};
}

Promise both(const Promise& one, const Promise& other) {
    const Promise& later = one.term > other.term || (one.term == other.term && one.vote != 0) ? one : other;
    return {.end = std::max(one.end, other.end), .term = later.term, .vote = later.vote};
}

PromiseFile::PromiseFile(const std::filesystem::path& file, std::uint64_t member_id)
    : member_id_(member_id), file_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    if (!file_) throw Error(ErrorKind::failed, fmt::format("cannot open {}: {}", file.string(), errno_text(errno)));
}

std::optional<Promise> PromiseFile::read() const {
    Words words{};
    if (::pread(file_.get(), words.data(), sizeof words, 0) != static_cast<ssize_t>(sizeof words)) return std::nullopt;
    if (words[0] != kMark || words[7] != checksum(words) || words[1] != member_id_) return std::nullopt;
    return Promise{.end = {.term = words[5], .index = words[4]}, .term = words[2], .vote = words[3]};
}

bool PromiseFile::write(const Promise& promise) const {
    Words words{kMark, member_id_, promise.term, promise.vote, promise.end.index, promise.end.term, 0, 0};
    words[7] = checksum(words);
    return ::pwrite(file_.get(), words.data(), sizeof words, 0) == static_cast<ssize_t>(sizeof words);
}

Promise& Witness::entry(std::uint64_t member) {
    const auto found = known_.find(member);
    if (found != known_.end()) return found->second;
    if (known_.size() >= kMaxMembers)
        known_.erase(std::min_element(known_.begin(), known_.end(), [](const auto& one, const auto& other) {
            return one.second.term < other.second.term;
        }));
    return known_[member];
}

void Witness::saw_term(std::uint64_t member, std::uint64_t term) {
    const std::lock_guard lock(mutex_);
    auto& known = entry(member);
    if (known.term >= term) return;
    known.term = term;
    known.vote = 0;
    changed_ = true;
}

void Witness::saw_vote(std::uint64_t member, std::uint64_t term, std::uint64_t candidate) {
    const std::lock_guard lock(mutex_);
    auto& known = entry(member);
    if (known.term > term || (known.term == term && known.vote == candidate)) return;
    known.term = term;
    known.vote = candidate;
    changed_ = true;
}

void Witness::saw_entries(std::uint64_t member, LogEnd end) {
    const std::lock_guard lock(mutex_);
    auto& known = entry(member);
    if (known.end >= end) return;
    known.end = end;
    changed_ = true;
}

Promise Witness::of(std::uint64_t member) const {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(member);
    return found == known_.end() ? Promise{} : found->second;
}

std::optional<std::string> Witness::to_write() {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(changed_, false)) return std::nullopt;
    Json members = Json::object();
    for (const auto& [member, known] : known_)
        members[std::to_string(member)] = {
            {"term", known.term}, {"vote", known.vote}, {"last_term", known.end.term}, {"last_index", known.end.index}};
    return to_text(members) + "\n";
}

void Witness::read(const std::string& text) {
    try {
        const Json members = parse_json(text);
        const std::lock_guard lock(mutex_);
        for (const auto& [member, known] : members.items()) {
            auto& mine = entry(std::stoull(member));
            mine = both(mine, {.end = {.term = known.at("last_term"), .index = known.at("last_index")},
                               .term = known.at("term"),
                               .vote = known.at("vote")});
        }
    } catch (const std::exception&) {
        // Less is known of the others then: each still has its own record.
    }
}

}  // namespace pgedge
