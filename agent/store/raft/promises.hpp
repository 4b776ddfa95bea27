#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {

/// The newest entry of a log. Ordered as Raft compares logs: the term first.
struct LogEnd {
    std::uint64_t term = 0, index = 0;
    auto operator<=>(const LogEnd&) const = default;
};

/// What the other members of the group may rely on: this member's newest entry, its term, and whom it gave its vote in
/// that term (0: nobody, or not known).
struct Promise {
    LogEnd end{};
    std::uint64_t term = 0, vote = 0;
    bool operator==(const Promise&) const = default;
};

/// What a member with `has` lacks of what it promised, in words; empty: nothing.
std::string what_is_missing(const Promise& promised, const Promise& has);
/// The stronger of each.
Promise both(const Promise& one, const Promise& other);

/// The log on this disk must not be used: it is older than what its member promised, or it is damaged.
class UnusableLog final : public Error {
public:
    explicit UnusableLog(const std::string& text) : Error(ErrorKind::failed, text) {}
};

/// A member's own promise, in a file of 64 bytes that is not in the log's directory. It is written in place, without a
/// flush: after a crash of the machine it may be older than the log, never newer. For one thread.
class PromiseFile {
public:
    /// Makes the file if need be. Throws Error{failed}.
    PromiseFile(const std::filesystem::path& file, std::uint64_t member_id);

    /// nullopt: it has none, or that of another member.
    std::optional<Promise> read() const;
    /// False: the disk did not take it.
    bool write(const Promise& promise) const;

private:
    const std::uint64_t member_id_;
    Fd file_;
};

/// What this member knows of the others' promises, from their messages: it tells them when they start. Of entries only
/// what is committed, since the rest may rightly be taken back. Safe from any thread.
class Witness {
public:
    /// Members that are remembered; the founder of a long-lived cluster may see many come and go.
    static constexpr std::size_t kMaxMembers = 256;

    void saw_term(std::uint64_t member, std::uint64_t term);
    void saw_vote(std::uint64_t member, std::uint64_t term, std::uint64_t candidate);
    void saw_entries(std::uint64_t member, LogEnd end);
    Promise of(std::uint64_t member) const;

    /// As a text for a file; nullopt when nothing has changed since the last.
    std::optional<std::string> to_write();
    /// Adds what such a text says; nothing when it cannot be understood.
    void read(const std::string& text);

private:
    Promise& entry(std::uint64_t member);
    mutable std::mutex mutex_;
    std::map<std::uint64_t, Promise> known_;
    bool changed_ = false;
};

}  // namespace pgedge
