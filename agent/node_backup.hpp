#pragma once

#include <optional>
#include <string_view>

#include "agent/api/backups.hpp"
#include "agent/run/work_kinds.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// The work of a task that backs a node up, on the host of its primary when it begins: into each of its repositories,
/// one after the other. A backup that an agent before us made for the task is not made again.
class NodeBackup final : public WorkKind {
public:
    explicit NodeBackup(Runtime& runtime) : runtime_(runtime) {}
    std::string_view name() const override { return kNodeBackup; }
    std::string doing(const StepRow&) const override { return "backing up"; }
    bool takes_long() const override { return true; }
    StepOutcome run(const WorkCall& call) const override;

private:
    Runtime& runtime_;
};

/// How far a backup is by a line of pgBackRest at log level detail: percent of its bytes; nullopt: it says nothing of
/// that.
std::optional<Progress> backup_progress(std::string_view line);

}  // namespace pgedge
