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

struct InstanceWorks {
    Store& store;
    HighAvailability& ha;
    Runtime& runtime;
    const Clock& clock;

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
        set_stopped(id, false, context.limit);
        ha.bring_up(id, context.limit);
        context.tell(id + " is started");
    }

    void restart(const std::string& id, StepContext& context) const {
        checkpoint(id, context);
        ha.restart(id, context.limit.no_longer_than(kRestart));
        context.tell(id + " is restarted");
    }
};

}  // namespace

void add_instance_works(WorkKinds& kinds, Store& store, HighAvailability& ha, Runtime& runtime, const Clock& clock) {
    const InstanceWorks works{store, ha, runtime, clock};
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
    add(kStartInstance, &InstanceWorks::start, true);  // it may need a copy of the primary
}

}  // namespace pgedge
