#include "common/model/task.hpp"

#include "common/base/names.hpp"

namespace pgedge {
namespace {

constexpr NameTable<TaskStatus, 7> kStatuses{"task status",
                                             {{{TaskStatus::pending, "pending"},
                                               {TaskStatus::running, "running"},
                                               {TaskStatus::canceling, "canceling"},
                                               {TaskStatus::completed, "completed"},
                                               {TaskStatus::failed, "failed"},
                                               {TaskStatus::canceled, "canceled"},
                                               {TaskStatus::unknown, "unknown"}}}};

}  // namespace

std::string_view to_string(TaskStatus status) { return kStatuses.name_of(status); }
TaskStatus parse_task_status(std::string_view text) { return kStatuses.value_of(text); }

bool is_final(TaskStatus status) {
    return status == TaskStatus::completed || status == TaskStatus::failed || status == TaskStatus::canceled;
}

}  // namespace pgedge
