#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/store/raft/libraft.hpp"
#include "agent/store/raft/promises.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// Keeps this member's promise up to date while libraft works with its files, and compares the two at the start. The
/// record is raised when something is on the disk and before libraft tells anybody; it is lowered before something
/// leaves the disk. So it is never ahead of the log. An append that the files refuse outright, which libraft would free
/// twice, is left unanswered instead: this member is then like one whose disk is frozen. Belongs to the loop's thread,
/// except where said.
class LogPromises {
public:
    struct Options {
        std::filesystem::path file;  ///< of the record
        Promise told{};              ///< what the other members know of this one's
        Witness* witness = nullptr;  ///< of the others
        /// Told once, from the loop's thread, that this member's log contradicts that of the group.
        std::function<void(const std::string&)> conflict = [](const std::string&) {};
    };
    LogPromises(Options options, std::uint64_t member_id, Log log);
    LogPromises(const LogPromises&) = delete;
    LogPromises& operator=(const LogPromises&) = delete;

    /// Takes its place in `io`, in front of what is there; `of` finds this object again.
    using Find = LogPromises& (*)(raft_io*);
    template <Find find>
    void guard(raft_io& io);
    /// After load: why the log on the disk must not be used; empty: it may.
    const std::string& unusable() const { return unusable_; }
    /// A snapshot of another member replaces the log.
    void installing(LogEnd end);
    void installed(LogEnd end);
    /// True when the message is not for libraft; it is freed then.
    bool stops(raft& member, raft_message& message);
    /// This member has been found to contradict the group: it is to say nothing any more.
    bool conflicted() const { return conflict_told_; }
    /// While libraft closes: the appends that the files did not take end.
    void closing();
    /// Between two turns of the loop.
    void look(raft& member);
    /// From any thread.
    Promise promised() const;

private:
    struct Append {
        raft_io_append own{};
        LogPromises* promises = nullptr;
        raft* member = nullptr;
        raft_io_append* request = nullptr;
        const raft_entry* entries = nullptr;
        unsigned count = 0;
        raft_index first = 0;
    };
    int load(raft_io* io, raft_term* term, raft_id* voted_for, raft_snapshot** snapshot, raft_index* start,
             raft_entry** entries, size_t* count);
    int append(raft_io* io, raft_io_append* request, const raft_entry* entries, unsigned count, raft_io_append_cb done);
    void appended(raft& member, raft_index first, const raft_entry* entries, unsigned count);
    int truncate(raft_io* io, raft_index from);
    void set(const Promise& promise);
    void set_end(LogEnd end);

    const Options options_;
    const Log log_;
    const PromiseFile file_;
    raft_io original_{};
    mutable std::mutex mutex_;
    Promise now_;  // guarded by mutex_; written by the loop's thread alone
    raft_index next_ = 0;
    std::string unusable_;
    bool write_failed_ = false, conflict_told_ = false;
    std::vector<std::unique_ptr<Append>> refused_;  // appends that the files did not take
    std::optional<raft_id> taken_back_by_;
};

template <LogPromises::Find find>
void LogPromises::guard(raft_io& io) {
    original_ = io;
    io.load = [](raft_io* self, raft_term* term, raft_id* voted_for, raft_snapshot** snapshot, raft_index* start,
                 raft_entry** entries,
                 size_t* count) { return find(self).load(self, term, voted_for, snapshot, start, entries, count); };
    io.set_term = [](raft_io* self, raft_term term) {
        auto& mine = find(self);
        const int result = mine.original_.set_term(self, term);
        if (result == 0) mine.set({.end = mine.now_.end, .term = term, .vote = 0});
        return result;
    };
    io.set_vote = [](raft_io* self, raft_id candidate) {
        auto& mine = find(self);
        const int result = mine.original_.set_vote(self, candidate);
        if (result == 0) mine.set({.end = mine.now_.end, .term = mine.now_.term, .vote = candidate});
        return result;
    };
    io.truncate = [](raft_io* self, raft_index from) { return find(self).truncate(self, from); };
    io.append = [](raft_io* self, raft_io_append* request, const raft_entry* entries, unsigned count,
                   raft_io_append_cb done) { return find(self).append(self, request, entries, count, done); };
}

}  // namespace pgedge
