#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/api/control_plane/api_route.hpp"

namespace pgedge {

/// The body of a request for a switchover, a failover, a restart or a pause: all fields may be left out, as may the
/// body itself. Null is the same as left out. Fields that it does not take are refused.
class Wish {
public:
    /// `what`: "switchover", for the message about an unknown field.
    Wish(const ApiCall& call, const char* what, const std::vector<std::string>& fields);

    std::string candidate() const;  ///< an instance's id, or empty
    std::optional<WallTime> scheduled_at() const;
    bool skip_validation() const;
    std::chrono::seconds duration() const;  ///< of a pause: 60 s to a day, an hour when left out

private:
    const Json* find(const char* name) const;

    const Json body_;
};

}  // namespace pgedge
