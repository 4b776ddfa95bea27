#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/base/clock.hpp"
#include "common/base/limit.hpp"
#include "common/base/secret.hpp"
#include "common/model/node.hpp"
#include "common/model/task.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {

/// What a resource kind gets besides the resource: made by the engine for one step.
struct StepContext {
    Limit limit;
    std::string database_id;
    /// The text of a secret of the store. Throws Error{not_found}.
    std::function<Secret(const SecretRef&)> secret;
    /// Another line for the user's task log. Must not hold a secret.
    std::function<void(std::string_view message)> tell;
    /// When the instance that the resource belongs to came into being: tells it from an earlier one of the same id. The
    /// epoch: unknown.
    WallTime instance_created_at{};
    /// The primary, at the moment when the step was claimed, of the node that the resource belongs to. Empty: it
    /// belongs to none, or the node has none.
    NodePrimary primary{};
    /// How far it is, for those who watch the task: as often as it likes.
    std::function<void(const Progress&)> progress = [](const Progress&) {};
};

enum class Observed {
    as_known,  ///< it is there, as far as can be seen cheaply
    missing,   ///< it is not there: it must be made again
    differs,   ///< it is there and not as wanted
    unseen,    ///< what it lies in cannot be looked into now: what was known of it stays
};

/// Makes one kind of resource true on this host. Stateless between calls; calls for different resources come from
/// different threads at once. Every call can be repeated: after a crash half way, the next apply() completes the work.
/// Errors: Error{unreachable} and Error{timed_out} are tried again by the engine, others end the task.
class ResourceKind {
public:
    virtual ~ResourceKind() = default;
    virtual std::string_view kind() const = 0;  ///< "database.instance"
    /// True: making one may take hours, as a copy of data does. Such steps have slots of their own.
    virtual bool takes_long() const { return false; }
    /// Looks, changes nothing.
    virtual Observed observe(const Resource& resource, StepContext& context) = 0;
    /// Makes it as wanted, whether it is missing, old or half made.
    virtual void apply(const Resource& resource, StepContext& context) = 0;
    /// Takes it away; nothing to do when it is not there.
    virtual void remove(const Resource& resource, StepContext& context) = 0;
};

}  // namespace pgedge
