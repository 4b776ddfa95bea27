#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "common/base/file.hpp"
#include "common/base/limit.hpp"

namespace pgedge {

/// What a guard says of its server (see agent/guard/main.cpp).
struct GuardState {
    pid_t pid = 0;
    bool running = false;
    std::string end;                  ///< "exited:0", "killed:9"; empty while it runs
    std::string cause;                ///< "none", "asked", "signal", "deadline"
    std::string role;                 ///< "single", "primary", "standby"; empty: a guard of an earlier version
    std::int64_t soft = 0, hard = 0;  ///< its deadline, see ServerDeadline; 0: none
    int left = 0;                     ///< processes below the guard
};
/// nullopt for a line that is none of a guard's.
std::optional<GuardState> parse_guard_state(std::string_view line);

/// Sends one line to the guard and gives its answer. Throws Error{unreachable} when no guard listens there or the one
/// who does is neither ours nor root's, Error{timed_out}.
std::string ask_guard(const std::filesystem::path& socket, const std::string& line, const Limit& limit);

/// A connection that stays open for as long as the guard lives: readable when there is news. One thread at a time.
class GuardWatch {
public:
    /// nullptr when no guard listens there.
    static std::shared_ptr<GuardWatch> open(const std::filesystem::path& socket);
    explicit GuardWatch(Fd fd) : fd_(std::move(fd)) {}

    int fd() const { return fd_.get(); }
    /// The state as far as it was told, after reading what is there; never waits.
    const std::optional<GuardState>& look();
    bool gone() const { return gone_; }  ///< the guard has ended, and with it everything it started
    /// Waits for the first answer. Throws Error{timed_out}, Error{unreachable} when the guard went away.
    const GuardState& first(const Limit& limit);
    /// Waits until the guard is gone; false when the limit is over.
    bool wait_gone(const Limit& limit);

private:
    Fd fd_;
    std::string buffer_;
    std::optional<GuardState> state_;
    bool gone_ = false;
};

/// Waits until one of the descriptors is readable (a negative one is left out), at most 100 ms, so that callers look at
/// their limit.
void wait_readable(int first, int second = -1);

}  // namespace pgedge
