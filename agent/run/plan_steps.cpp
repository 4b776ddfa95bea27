#include "agent/run/plan_steps.hpp"

#include "agent/store/tables/step_queue.hpp"

namespace pgedge {

std::vector<StepRow> plan_rows(const std::string& task_id, const std::vector<std::string>& preliminary_ids,
                               std::int64_t first_position, const Plan& plan) {
    std::vector<StepRow> rows;
    for (const auto& step : plan.steps) {
        StepRow row;
        row.task_id = task_id;
        row.id = step.id;
        row.position = first_position++;
        row.node = step.resource.node;
        if (row.node.empty()) row.host_id = step.resource.host_id;
        row.instance_id = instance_of(step.resource);
        row.wait_for = step.after.empty() ? preliminary_ids : step.after;
        row.work = resource_work(step);
        row.step = step;
        rows.push_back(std::move(row));
    }
    return rows;
}

std::vector<StepRow> step_rows(const std::string& task_id, const Preliminaries& before, const Plan& plan) {
    std::vector<StepRow> rows;
    std::vector<std::string> looks, checks;
    const auto add = [&](std::string id, const std::string& host_id, const std::vector<std::string>& wait_for,
                         Work work) {
        StepRow row;
        row.task_id = task_id;
        row.id = std::move(id);
        row.host_id = host_id;
        row.position = static_cast<std::int64_t>(rows.size());
        row.wait_for = wait_for;
        row.work = std::move(work);
        rows.push_back(row);
        return row.id;
    };
    for (const auto& host : before.look_at_hosts)
        looks.push_back(add(std::string(kLookPrefix) + host, host, {}, {std::string(kObserveResources)}));
    for (const auto& [host, ports] : before.port_checks)
        checks.push_back(add("check." + host, host, looks, {std::string(kCheckPorts), "", to_json(ports)}));
    auto planned = plan_rows(task_id, checks.empty() ? looks : checks, static_cast<std::int64_t>(rows.size()), plan);
    rows.insert(rows.end(), std::make_move_iterator(planned.begin()), std::make_move_iterator(planned.end()));
    return rows;
}

}  // namespace pgedge
