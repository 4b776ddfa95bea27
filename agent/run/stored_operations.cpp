#include "agent/run/stored_operations.hpp"

#include <fmt/format.h>

#include "agent/run/due_tasks.hpp"
#include "agent/run/operation_rows.hpp"
#include "agent/run/task_log.hpp"
#include "agent/store/tables/step_queue.hpp"
#include "common/base/error.hpp"
#include "common/base/names.hpp"
#include "common/base/uuid.hpp"
#include "common/spec/merge.hpp"
#include "common/spec/problem.hpp"
#include "common/spec/seal.hpp"
#include "common/spec/validate.hpp"

namespace pgedge {
namespace {

[[noreturn]] void refuse_as_busy(const std::string& id) {
    throw Error(ErrorKind::conflict, fmt::format("an operation on database \"{}\" is already in progress", id),
                "wait for its task to end, or cancel it")
        .named("operation_already_in_progress");
}

[[noreturn]] void refuse_as_existing() {
    throw Error(ErrorKind::conflict, "a database already exists with the given ID", "choose another id, or update it")
        .named("database_already_exists");
}

void check_digest(const DraftOperation& draft, const UpdateOptions& options) {
    if (!options.expected_digest || *options.expected_digest == draft.digest) return;
    throw Error(
        ErrorKind::conflict,
        fmt::format("the plan for database \"{}\" is stale: what it was made from has changed", draft.database.id),
        "plan again and look at the new plan")
        .named("stale_plan");
}

PlannedOperation to_planned(DraftOperation draft) {
    return {draft.type, draft.database.id, draft.base_revision, std::move(draft.plan), draft.digest, draft.warnings};
}

}  // namespace

Database StoredOperations::found(const std::string& id, const Limit& limit) const {
    auto database = Databases(store_).find(id, limit);
    if (!database) throw Error(ErrorKind::not_found, "no database \"" + id + "\" found");
    return *std::move(database);
}

void StoredOperations::refuse_when_busy(const std::string& id, const Limit& limit) const {
    if (Tasks(store_).open_of({std::string(kDatabaseScope), id}, limit)) refuse_as_busy(id);
}

std::vector<Statement> StoredOperations::seal(Database& database) const {
    std::vector<Statement> statements;
    seal_secrets(database.id, database.spec, [&](const std::string& name, const Secret& text) {
        statements.push_back(secrets_.put(name, database.id, text));
        return secrets_.ref_of(name, text);
    });
    return statements;
}

StoredOperations::Sealed StoredOperations::new_database(const std::string& id, const DatabaseDocument& wanted) const {
    Sealed made;
    made.database.id = id;
    made.database.tenant_id = wanted.tenant_id.value_or("");
    made.database.spec = wanted.spec;
    ValidationContext context;
    context.change = ValidationContext::Change::create;
    context.database_id = id;
    throw_if_any(validate(made.database.spec, context));
    made.secrets = seal(made.database);
    return made;
}

StoredOperations::Sealed StoredOperations::changed_database(const Database& stored,
                                                            const DatabaseDocument& wanted) const {
    Sealed made;
    made.database = stored;
    made.database.tenant_id = wanted.tenant_id.value_or(stored.tenant_id);
    made.database.spec = wanted.spec;
    merge_omitted(made.database.spec, stored.spec);
    ValidationContext context;
    context.change = ValidationContext::Change::update;
    context.stored = &stored.spec;
    context.database_id = stored.id;
    throw_if_any(validate(made.database.spec, context));
    made.secrets = seal(made.database);
    return made;
}

DraftOperation StoredOperations::drafted(const std::string& type, const Database& wanted, const Database* stored,
                                         const UpdateOptions& options, const Limit& limit) const {
    return planner_.draft(type, wanted, stored, options, planner_.survey(wanted.id, limit));
}

StoredOperations::Stored StoredOperations::store(const DraftOperation& draft, const Database* stored,
                                                 const std::vector<Statement>& secrets, const UpdateOptions& options,
                                                 StartedOperation& started, const Limit& limit) const {
    check_digest(draft, options);
    const OperationRows rows(draft, stored, secrets, options, clock_.wall());
    const auto result = store_.commit(rows.transaction(), limit);
    if (!result.committed) switch (rows.refusal(result.refused_by)) {
            case OperationRows::Refusal::exists: refuse_as_existing();
            case OperationRows::Refusal::busy: refuse_as_busy(draft.database.id);
            case OperationRows::Refusal::stale: return Stored::try_again;
        }
    started = {rows.task(), rows.database()};
    if (rows.ends_at_once()) {
        if (auto task = Tasks(store_).find(rows.task().id, limit)) started.task = *std::move(task);
        if (auto database = Databases(store_).find(draft.database.id, limit)) started.database = *std::move(database);
    }
    return Stored::yes;
}

StartedOperation StoredOperations::create(const DatabaseDocument& wanted, const UpdateOptions& options,
                                          const Limit& limit) {
    level_.check(limit);
    const std::string id = wanted.id.value_or(new_uuid());
    if (Databases(store_).find(id, limit)) refuse_as_existing();
    const Sealed sealed = new_database(id, wanted);
    StartedOperation started;
    for (int i = 0; i < kMaxTries; ++i)
        if (store(drafted("create", sealed.database, nullptr, options, limit), nullptr, sealed.secrets, options,
                  started, limit) == Stored::yes)
            return started;
    throw Error(ErrorKind::conflict, "the cluster's instances changed again and again while this one was planned",
                "try again");
}

StartedOperation StoredOperations::update(const std::string& id, const DatabaseDocument& wanted,
                                          const UpdateOptions& options, const Limit& limit) {
    level_.check(limit);
    StartedOperation started;
    for (int i = 0; i < kMaxTries; ++i) {
        const Database stored = found(id, limit);
        refuse_when_busy(id, limit);
        if (!is_modifiable(stored.state))
            throw Error(ErrorKind::conflict, fmt::format("target database is not modifiable in its current state ({})",
                                                         to_string(stored.state)))
                .named("database_not_modifiable");
        const Sealed sealed = changed_database(stored, wanted);
        if (store(drafted("update", sealed.database, &stored, options, limit), &stored, sealed.secrets, options,
                  started, limit) == Stored::yes)
            return started;
    }
    throw Error(ErrorKind::conflict, "the database changed again and again while this change was planned", "try again");
}

Task StoredOperations::remove(const std::string& id, bool force, const UpdateOptions& options, const Limit& limit) {
    level_.check(limit);
    StartedOperation started;
    for (int i = 0; i < kMaxTries; ++i) {
        const Database stored = found(id, limit);
        refuse_when_busy(id, limit);
        if (!force && !is_modifiable(stored.state))
            throw Error(
                ErrorKind::conflict,
                fmt::format("target database is not modifiable in its current state ({})", to_string(stored.state)),
                "force deletes it in any state")
                .named("database_not_modifiable");
        if (store(drafted("delete", stored, &stored, options, limit), &stored, {}, options, started, limit) ==
            Stored::yes)
            return started.task;
    }
    throw Error(ErrorKind::conflict, "the database changed again and again while its removal was planned", "try again");
}

Task StoredOperations::begin(const std::string& database_id, const DatabaseWork& work, const Limit& limit) {
    level_.check(limit);
    found(database_id, limit);
    const auto now = clock_.wall();
    Task task;
    task.id = new_uuid();
    task.scope = "database";
    task.entity_id = task.database_id = database_id;
    task.type = work.type;
    task.host_id = work.host_id;
    task.node_name = work.node_name;
    task.instance_id = work.instance_id;
    task.created_at = now;
    StepRow row;
    row.task_id = task.id;
    row.id = work.kind;
    row.host_id = work.host_id;
    if (work.host_id.empty()) row.node = work.node_name;
    row.work = {work.kind, "", work.arguments};
    Transaction transaction;
    if (work.due) {
        transaction.add(DueTasks::insert(task, row, *work.due));
    } else {
        transaction.add(Tasks::insert(task, TaskStage::apply, Json::object()));
        transaction.add(Tasks::insert_step(row));
        for (const auto& next : work.then) {
            row.wait_for = {row.id};
            row.id = fmt::format("{}.{}", ++row.position, next.kind);
            row.host_id = next.host_id;
            row.work = {next.kind, "", next.arguments};
            transaction.add(Tasks::insert_step(row));
        }
        transaction.add(work.with);
    }
    transaction.add(Tasks::append_log(task.id, log_line(work.about, Json::object(), now)));
    if (!store_.commit(transaction, limit).committed) refuse_as_busy(database_id);
    return task;
}

Task StoredOperations::cancel(const std::string& database_id, const std::string& task_id, const Limit& limit) {
    // Not held up by an upgrade: it writes nothing that only some level of the data has.
    const auto find = [&] {
        auto task = Tasks(store_).find(task_id, limit);
        if (!task || task->scope != "database" || task->entity_id != database_id)
            throw Error(ErrorKind::not_found,
                        fmt::format("no task \"{}\" of database \"{}\" found", task_id, database_id));
        return *std::move(task);
    };
    const Task task = find();
    const auto now = clock_.wall();
    Transaction waiting;
    waiting.add(DueTasks::cancel(task_id, now));
    if (store_.commit(waiting, limit).committed) return find();
    Transaction transaction;
    transaction.add(StepQueue::cancel(task_id));
    transaction.add(Tasks::append_log(task_id, log_line("task is canceling", {{"status", "canceling"}}, now)));
    for (const auto& child : Tasks(store_).children(task_id, limit)) transaction.add(StepQueue::settle(child.id, now));
    transaction.add(StepQueue::settle(task_id, task.parent_id, now));
    if (!store_.commit(transaction, limit).committed)
        throw Error(ErrorKind::invalid_input, "task must be running or pending to be cancelled");
    return find();
}

PlannedOperation StoredOperations::plan(const DatabaseDocument& wanted, const UpdateOptions& options,
                                        const Limit& limit) {
    level_.check(limit);
    const std::string id = wanted.id.value_or(new_uuid());
    const auto stored = Databases(store_).find(id, limit);
    if (!stored) return to_planned(drafted("create", new_database(id, wanted).database, nullptr, options, limit));
    return to_planned(drafted("update", changed_database(*stored, wanted).database, &*stored, options, limit));
}

PlannedOperation StoredOperations::plan_removal(const std::string& id, const UpdateOptions& options,
                                                const Limit& limit) {
    level_.check(limit);
    const Database stored = found(id, limit);
    return to_planned(drafted("delete", stored, &stored, options, limit));
}

}  // namespace pgedge
