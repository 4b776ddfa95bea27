#include "agent/instance_works.hpp"

#include "agent/api/instance_work.hpp"
#include "agent/resources/local_session.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kFlagLimit = 10s;
constexpr auto kCheckpoint = 10min;
constexpr auto kStop = 15min;  ///< the checkpoint before it counts
constexpr auto kRestart = 10min;
constexpr auto kBecomesPrimary = 15min;
constexpr auto kPollTask = 50ms;

struct InstanceWorks : InstanceWorkParts {
    /// What was seen of it before is outdated, and it is looked at at once.
    std::vector<Statement> looked_at_anew(const std::string& id) const {
        return {{"UPDATE instance SET updated_at = ? WHERE id = ? AND state = 'available'",
                 {to_stored(clock.wall()), id},
                 {}}};
    }

    void set_stopped(const std::string& id, bool stopped, const Limit& limit) const {
        Transaction transaction;
        transaction.add(Databases::set_stopped(id, stopped, clock.wall()));
        if (!store.commit(transaction, limit.no_longer_than(kFlagLimit)).committed)
            throw Error(ErrorKind::not_found, "instance " + id + " is no more, or is being taken away");
    }

    /// So that the shutdown, during which nobody can work, has little to write. A server that does not answer is
    /// stopped all the same.
    void checkpoint(const std::string& id, StepContext& context) const {
        if (runtime.state(id) != ServerState::running) return;
        try {
            const Limit limit = context.limit.no_longer_than(kCheckpoint);
            connect_locally(runtime, id, "postgres", limit).run("CHECKPOINT", limit);
        } catch (const Error& error) {
            context.limit.check("writing a checkpoint of " + id);
            context.tell("no checkpoint before the shutdown: " + error.text());
        }
    }

    void stop(const std::string& id, StepContext& context) const {
        checkpoint(id, context);
        set_stopped(id, true, context.limit);
        ha.take_down(id, context.limit.no_longer_than(kStop));
        context.tell(id + " is stopped, and stays down until it is started");
    }

    void start(const std::string& id, StepContext& context) const {
        ha.bring_up(
            id, [&] { set_stopped(id, false, context.limit); }, context.limit);
        context.tell(id + " is started");
    }

    void restart(const std::string& id, StepContext& context) const {
        checkpoint(id, context);
        ha.restart(id, context.limit.no_longer_than(kRestart));
        context.tell(id + " is restarted");
    }

    void promote(const std::string& id, StepContext& context) const { become_primary(id, true, context); }
    void switch_to(const std::string& id, StepContext& context) const { become_primary(id, false, context); }

    /// Done when it serves, and others can be rewound to it. Repeated it goes on with what the first try asked for.
    void become_primary(const std::string& id, bool failover, StepContext& context) const {
        const auto node = node_of(id, context.limit);
        const bool serves = node.last && node.last->instance_id == id && node.primary_instance == id && !node.request &&
                            is_writable(id, context.limit);
        if (!serves) {
            const HaWish wish{.database_id = node.database_id,
                              .node = node.name,
                              .candidate = id,
                              .due = std::nullopt,
                              .skip_validation = failover};
            const bool asked = node.request && node.request->candidate == id;
            const auto task_id = asked      ? node.request->task_id
                                 : failover ? operations.failover(wish, context.limit).id
                                            : operations.switchover(wish, context.limit).id;
            const auto ended = end_of(task_id, context.limit.no_longer_than(kBecomesPrimary));
            if (ended.status != TaskStatus::completed)
                throw Error(ErrorKind::failed,
                            ended.type + " to " + id + " (task " + task_id + ") did not succeed: " + ended.error);
        }
        checkpoint(id, context);
        context.tell(id + " is the primary");
    }

    HaNode node_of(const std::string& id, const Limit& limit) const {
        const Statement query{"SELECT database_id, node_name FROM instance WHERE id = ?", {id}, {}};
        const auto rows = store.read(query, Freshness::leader, limit);
        if (rows.empty()) throw Error(ErrorKind::not_found, "instance " + id + " is no more");
        return HaTable(store).node(rows[0].text(0), rows[0].text(1), limit, Freshness::leader);
    }

    bool is_writable(const std::string& id, const Limit& limit) const {
        if (runtime.state(id) != ServerState::running) return false;
        return connect_locally(runtime, id, "postgres", limit).run("SELECT NOT pg_is_in_recovery()", limit).yes();
    }

    Task end_of(const std::string& task_id, const Limit& limit) const {
        for (;;) {
            auto task = Tasks(store).find(task_id, limit);
            if (!task) throw Error(ErrorKind::not_found, "task " + task_id + " is no more");
            if (is_final(task->status)) return *std::move(task);
            limit.check("waiting for task " + task_id);
            limit.pause(kPollTask);
        }
    }
};

}  // namespace

void add_instance_works(WorkKinds& kinds, const InstanceWorkParts& parts) {
    const InstanceWorks works{parts};
    const auto add = [&](std::string_view name, void (InstanceWorks::*work)(const std::string&, StepContext&) const,
                         bool takes_long) {
        kinds.add(
            std::string(name),
            [works, work](const Json& arguments, StepContext& context) {
                const std::string id = arguments.at("instance_id");
                (works.*work)(id, context);
                return works.looked_at_anew(id);
            },
            takes_long);
    };
    add(kRestartInstance, &InstanceWorks::restart, false);
    add(kStopInstance, &InstanceWorks::stop, false);
    add(kPromoteInstance, &InstanceWorks::promote, false);
    add(kSwitchToInstance, &InstanceWorks::switch_to, false);
    add(kStartInstance, &InstanceWorks::start, true);  // it may need a copy of the primary
}

}  // namespace pgedge
