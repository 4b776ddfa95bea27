#pragma once

#include <chrono>
#include <map>
#include <string>

#include "common/base/clock.hpp"

namespace pgedge {

/// Which hosts have gone silent, by this agent's own monotonic clock: a host is heard when its beat has moved. The
/// first sight of a host counts as a sign of life, so that a new observer does not inherit a wait. For one thread at a
/// time.
class HostWatch {
public:
    explicit HostWatch(const Clock& clock) : clock_(clock) {}

    /// `beat` identifies the host's last beat (incarnation and number); empty: it never beat.
    void saw(const std::string& host_id, const std::string& beat);
    std::chrono::nanoseconds silent_for(const std::string& host_id) const;  ///< zero for a host never asked about
    void forget_all() { seen_.clear(); }

private:
    struct Seen {
        std::string beat;
        std::chrono::nanoseconds at{};
    };
    const Clock& clock_;
    std::map<std::string, Seen> seen_;
};

}  // namespace pgedge
