#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/store/store.hpp"
#include "agent/store/tables/host_liveness.hpp"
#include "common/base/clock.hpp"
#include "common/model/host.hpp"

namespace pgedge {

/// Hosts and their health in the store. Safe from any thread.
class Hosts {
public:
    /// `liveness` says which hosts are silent; without it none is unreachable.
    explicit Hosts(Store& store, HostLiveness* liveness = nullptr) : store_(store), liveness_(liveness) {}

    /// By id, with what the last report said, or unreachable.
    std::vector<Host> list(const Limit& limit) const;
    std::optional<Host> find(const std::string& id, const Limit& limit) const;
    static Statement insert(const Host& host, const std::string& node_id,
                            WallTime now);  ///< refused when the id is taken
    static Statement update_facts(const Host& host);
    static Statement erase(const std::string& id);
    static Statement report(const std::string& id, const std::map<std::string, ComponentHealth>& components,
                            WallTime now);

private:
    Host host_of(const Row& row) const;

    Store& store_;
    HostLiveness* liveness_;
};

}  // namespace pgedge
