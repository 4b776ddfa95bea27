#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/run/work_kinds.hpp"
#include "common/base/json.hpp"

namespace pgedge {

/// A port that an instance is going to listen on, to be tried on its host before anything is made.
struct PortCheck {
    std::string node_name, address;  ///< IPv4 or IPv6 address of the host
    int port = 0;
    std::string instance_id;
    std::string bin_dir{};  ///< of its PostgreSQL, which is tried as well; empty: of an earlier version of the agent
};

Json to_json(const std::vector<PortCheck>& checks);
std::vector<PortCheck> port_checks_from_json(const Json& json);

/// Why the port cannot be bound on this host now: "port 5432 of 10.0.0.1 cannot be bound: Address already in use …".
std::optional<std::string> port_problem(const PortCheck& check);

/// Whether this host keeps a server of this instance on this port, e.g. one that an earlier instance of the same id
/// left: its port is free for the new one, whose steps begin with stopping it.
using KeepsServer = std::function<bool(const std::string& instance_id, int port)>;

/// Makes sure that the programs in a directory can be run on this host. Throws what Runtime::prepare() throws.
using PrepareServer = std::function<void(const std::string& bin_dir, const Limit& limit)>;

/// Tries all ports of a task on this host, and whether its PostgreSQL is there; fails with a line for each that is not.
class CheckPorts final : public WorkKind {
public:
    CheckPorts(KeepsServer keeps_server, PrepareServer prepare)
        : keeps_server_(std::move(keeps_server)), prepare_(std::move(prepare)) {}
    std::string_view name() const override { return kCheckPorts; }
    std::string doing(const StepRow&) const override { return "checking its ports"; }
    StepOutcome run(const WorkCall& call) const override;

private:
    const KeepsServer keeps_server_;
    const PrepareServer prepare_;
};

}  // namespace pgedge
