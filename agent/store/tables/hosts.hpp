#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/store/store.hpp"
#include "common/base/clock.hpp"
#include "common/model/host.hpp"

namespace pgedge {

/// Silence after which a host counts as unreachable: two beats of 15 s.
inline constexpr std::chrono::seconds kUnreachableAfter{30};

/// Hosts and their health in the store. Safe from any thread.
class Hosts {
public:
    Hosts(Store& store, const Clock& clock) : store_(store), clock_(clock) {}

    std::vector<Host> list(const Limit& limit) const;  ///< by id, with the state as of the last report
    std::optional<Host> find(const std::string& id, const Limit& limit) const;
    static Statement insert(const Host& host, const std::string& node_id,
                            WallTime now);  ///< refused when the id is taken
    static Statement update_facts(const Host& host);
    static Statement erase(const std::string& id);
    static Statement report(const std::string& id, const std::map<std::string, ComponentHealth>& components,
                            WallTime now);

private:
    Store& store_;
    const Clock& clock_;
};

}  // namespace pgedge
