#include "common/api/shapes.hpp"

namespace pgedge {

const Shape<ShownSchedule, ScheduleAnswer>& schedule_shape() {
    using namespace schema;
    using From = ShownSchedule;
    using Into = ScheduleAnswer;
    static const auto shape =
        Shape<From, Into>("BackupSchedule", "schedule")
            .must("node_name", text("The node that is backed up"), &From::node, needed(&Into::node))
            .must("id", text("As in backup_config.schedules"), &From::id, needed(&Into::id))
            .must("type", one_of({"full", "incr"}), &From::type, &Into::type)
            .must("cron_expression", text("In UTC"), &From::expression, &Into::expression)
            .may("next_at", time_text("When it begins the next backup"), &From::next_at, &Into::next_at)
            .may("last_task_id", text("The last backup that it began"), &From::last_task_id, &Into::last_task_id)
            .may("last_at", time_text("When that was begun"), &From::last_at, &Into::last_at)
            .may("last_status", text("How that task stands or ended; not there when the task is forgotten"),
                 &From::last_status, &Into::last_status);
    return shape;
}

}  // namespace pgedge
