#pragma once

#include <string>
#include <vector>

#include "agent/run/operations.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"
#include "common/spec/seal.hpp"

namespace pgedge {

/// Operations that keep database and task in a store and never work on them: tests play the engine. Refuses what the
/// real ones refuse without asking a host. Keeps the options it was given.
class FakeOperations final : public Operations {
public:
    FakeOperations(Store& store, const Clock& clock) : store_(store), clock_(clock) {}

    std::vector<UpdateOptions> options;  ///< of every create, update and remove, in order
    std::vector<std::string> warnings;   ///< of the next plans
    Plan next_plan;

    StartedOperation create(const DatabaseDocument& wanted, const UpdateOptions& given, const Limit& limit) override {
        options.push_back(given);
        check_digest(given);
        Database database;
        database.id = wanted.id.value_or(new_uuid());
        if (Databases(store_).find(database.id, limit))
            throw Error(ErrorKind::conflict, "a database already exists with the given ID")
                .named("database_already_exists");
        database.tenant_id = wanted.tenant_id.value_or("");
        database.dialect = "pglogical";
        database.spec = sealed(database.id, wanted.spec);
        database.revision = 1;
        database.created_at = database.updated_at = clock_.wall();
        const Task task = task_for(database.id, "create");
        database.last_task_id = task.id;
        Transaction transaction;
        transaction.add(Databases::insert(database)).add(Tasks::insert(task, TaskStage::none, Json::object()));
        for (const auto& instance : instances_of(database)) transaction.add(Databases::upsert_instance(instance));
        commit(transaction, limit);
        return {task, database};
    }

    StartedOperation update(const std::string& id, const DatabaseDocument& wanted, const UpdateOptions& given,
                            const Limit& limit) override {
        options.push_back(given);
        check_digest(given);
        Database database = modifiable(id, limit);
        const auto before = database.revision;
        database.spec = sealed(id, wanted.spec);
        database.state = DatabaseState::modifying;
        ++database.revision;
        const Task task = task_for(id, "update");
        database.last_task_id = task.id;
        Transaction transaction;
        transaction.add(Databases::update(database, before)).add(Tasks::insert(task, TaskStage::none, Json::object()));
        commit(transaction, limit);
        return {task, database};
    }

    Task remove(const std::string& id, bool force, const UpdateOptions& given, const Limit& limit) override {
        options.push_back(given);
        Database database = force ? existing(id, limit) : modifiable(id, limit);
        const Task task = task_for(id, "delete");
        database.state = DatabaseState::deleting;
        Transaction transaction;
        transaction.add(Databases::update(database, database.revision))
            .add(Tasks::insert(task, TaskStage::none, Json::object()));
        commit(transaction, limit);
        return task;
    }

    std::vector<RestoreRequest> restores;  ///< that were asked for

    StartedOperation restore(const std::string& id, const RestoreRequest& request, const Limit& limit) override {
        Database database = request.force ? existing(id, limit) : modifiable(id, limit);
        restores.push_back(request);
        const auto before = database.revision;
        database.state = DatabaseState::restoring;
        ++database.revision;
        const Task task = task_for(id, "restore");
        database.last_task_id = task.id;
        Transaction transaction;
        transaction.add(Databases::update(database, before)).add(Tasks::insert(task, TaskStage::none, Json::object()));
        commit(transaction, limit);
        return {task, database};
    }

    std::vector<DatabaseWork> works;  ///< that were begun

    Task begin(const std::string& database_id, const DatabaseWork& work, const Limit& limit) override {
        existing(database_id, limit);
        works.push_back(work);
        Task task = task_for(database_id, work.type);
        task.node_name = work.node_name;
        Transaction transaction;
        transaction.add(Tasks::insert(task, TaskStage::none, Json::object()));
        commit(transaction, limit);
        return task;
    }

    Task cancel(const std::string&, const std::string& task_id, const Limit& limit) override {
        Task task = *Tasks(store_).find(task_id, limit);
        if (is_final(task.status))
            throw Error(ErrorKind::invalid_input, "task must be running or pending to be cancelled");
        Transaction transaction;
        transaction.add(Tasks::set_status(task_id, TaskStatus::canceling, "", clock_.wall()));
        commit(transaction, limit);
        task.status = TaskStatus::canceling;
        return task;
    }

    PlannedOperation plan(const DatabaseDocument& wanted, const UpdateOptions& given, const Limit& limit) override {
        options.push_back(given);
        const auto stored = wanted.id ? Databases(store_).find(*wanted.id, limit) : std::nullopt;
        return {stored ? "update" : "create",
                wanted.id.value_or(new_uuid()),
                stored ? stored->revision : 0,
                next_plan,
                "digest-of-plan",
                warnings};
    }

    PlannedOperation plan_removal(const std::string& id, const UpdateOptions& given, const Limit& limit) override {
        options.push_back(given);
        return {"delete", id, modifiable(id, limit).revision, next_plan, "digest-of-removal", warnings};
    }

private:
    Database existing(const std::string& id, const Limit& limit) const {
        auto database = Databases(store_).find(id, limit);
        if (!database) throw Error(ErrorKind::not_found, "no database \"" + id + "\" found");
        return *std::move(database);
    }

    Database modifiable(const std::string& id, const Limit& limit) const {
        auto database = existing(id, limit);
        if (!is_modifiable(database.state))
            throw Error(ErrorKind::conflict, "target database is not modifiable in its current state")
                .named("database_not_modifiable");
        return database;
    }

    void check_digest(const UpdateOptions& given) const {
        if (given.expected_digest && *given.expected_digest != "digest-of-plan")
            throw Error(ErrorKind::conflict, "the plan is stale").named("stale_plan");
    }

    static DatabaseSpec sealed(const std::string& id, DatabaseSpec spec) {
        seal_secrets(id, spec, [](const std::string& name, const Secret&) {
            return SecretRef{name, "0123456789abcdef"};
        });
        return spec;
    }

    Task task_for(const std::string& id, const std::string& type) const {
        Task task;
        task.id = new_uuid();
        task.scope = "database";
        task.entity_id = task.database_id = id;
        task.type = type;
        task.created_at = clock_.wall();
        return task;
    }

    std::vector<Instance> instances_of(const Database& database) const {
        std::vector<Instance> instances;
        for (const auto& node : database.spec.nodes)
            for (const auto& host : node.host_ids) {
                Instance instance;
                instance.id = instance_id(database.id, node.name, host);
                instance.database_id = database.id;
                instance.node_name = node.name;
                instance.host_id = host;
                instance.port = effective(database.spec, node).port;
                instance.listen_port = instance.port.value_or(15432);
                instance.created_at = instance.updated_at = clock_.wall();
                instances.push_back(std::move(instance));
            }
        return instances;
    }

    void commit(const Transaction& transaction, const Limit& limit) {
        if (!store_.commit(transaction, limit).committed)
            throw Error(ErrorKind::conflict, "an operation is already in progress for the entity")
                .named("operation_already_in_progress");
    }

    Store& store_;
    const Clock& clock_;
};

}  // namespace pgedge
