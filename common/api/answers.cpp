#include "common/api/answers.hpp"

#include <algorithm>
#include <string_view>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// Reads the fields of one object of an answer and says what is wrong with it in the words of a client.
class Fields {
public:
    Fields(const Json& json, std::string_view what) : json_(json), what_(what) {
        if (!json.is_object()) throw Error(ErrorKind::failed, "the agent answered no " + what_ + " object");
    }

    std::string needed(const char* name) const {
        const Json* value = find(name);
        if (!value) throw Error(ErrorKind::failed, "the agent's " + what_ + " lacks \"" + name + "\"");
        return text(*value, name);
    }
    std::string text(const char* name) const {
        const Json* value = find(name);
        return value ? text(*value, name) : "";
    }
    bool flag(const char* name) const {
        const Json* value = find(name);
        if (!value) return false;
        if (!value->is_boolean()) wrong(name, "a boolean");
        return value->get<bool>();
    }
    std::optional<std::int64_t> number(const char* name) const {
        const Json* value = find(name);
        if (!value) return std::nullopt;
        if (!value->is_number_integer()) wrong(name, "a whole number");
        return value->get<std::int64_t>();
    }
    std::vector<std::string> texts(const char* name) const {
        std::vector<std::string> all;
        for (const Json& value : array(name)) all.push_back(text(value, name));
        return all;
    }
    /// Empty when the field is absent.
    const Json& array(const char* name) const {
        static const Json none = Json::array();
        const Json* value = find(name);
        if (!value) return none;
        if (!value->is_array()) wrong(name, "a list");
        return *value;
    }
    const Json& object(const char* name) const {
        static const Json none = Json::object();
        const Json* value = find(name);
        if (!value) return none;
        if (!value->is_object()) wrong(name, "an object");
        return *value;
    }

private:
    const Json* find(const char* name) const {
        const auto it = json_.find(name);
        return it == json_.end() || it->is_null() ? nullptr : &*it;
    }
    std::string text(const Json& value, const char* name) const {
        if (!value.is_string()) wrong(name, "a text");
        return value.get<std::string>();
    }
    [[noreturn]] void wrong(const char* name, const char* wanted) const {
        throw Error(ErrorKind::failed, "\"" + std::string(name) + "\" in the agent's " + what_ + " is not " + wanted);
    }

    const Json& json_;
    std::string what_;
};

template <class Answer, class Read>
std::vector<Answer> all_of(const Json& list, Read read) {
    std::vector<Answer> answers;
    for (const Json& one : list) answers.push_back(read(one));
    return answers;
}

SubscriptionAnswer subscription_answer(const Json& json) {
    const Fields fields(json, "subscription");
    SubscriptionAnswer answer{fields.text("provider_node"), fields.text("name"),  fields.text("status"),
                              fields.number("lag_bytes"),   fields.text("state"), fields.text("error")};
    if (answer.state.empty()) answer.state = answer.status;
    return answer;
}

LinkTransactionAnswer link_transaction_answer(const Json& json) {
    const Fields fields(json, "transaction");
    LinkTransactionAnswer answer;
    answer.xid = fields.needed("xid");
    answer.commit_lsn = fields.text("commit_lsn");
    answer.committed_at = fields.text("committed_at");
    answer.error = fields.text("error");
    answer.left_out = fields.flag("left_out");
    answer.changes = fields.number("changes").value_or(0);
    answer.tables = fields.texts("tables");
    for (const Json& row : fields.array("rows")) {
        const Fields change(row, "change");
        answer.rows.push_back({change.needed("action"), change.text("table"), change.text("row"), change.text("sql")});
    }
    return answer;
}

InstanceAnswer instance_answer(const Json& json) {
    const Fields fields(json, "instance");
    const Fields connection(fields.object("connection_info"), "connection_info");
    const Fields postgres(fields.object("postgres"), "postgres");
    InstanceAnswer answer;
    answer.id = fields.needed("id");
    answer.host_id = fields.text("host_id");
    answer.node_name = fields.text("node_name");
    answer.state = fields.text("state");
    answer.error = fields.text("error");
    answer.addresses = connection.texts("addresses");
    if (const auto port = connection.number("port")) answer.port = static_cast<int>(*port);
    answer.postgres_version = postgres.text("version");
    answer.role = postgres.text("role");
    answer.postgres_state = postgres.text("patroni_state");
    answer.pending_restart = postgres.flag("pending_restart");
    answer.replay_lag_bytes = postgres.number("replay_lag_bytes");
    // The first name is that of the Control Plane API; it holds for every dialect.
    const Fields replication(fields.object("spock"), "spock");
    answer.subscriptions = all_of<SubscriptionAnswer>(replication.array("subscriptions"), subscription_answer);
    answer.keyless_table_count = replication.number("keyless_table_count").value_or(0);
    answer.keyless_tables = replication.texts("keyless_tables");
    answer.json = json;
    return answer;
}

}  // namespace

TaskAnswer task_answer(const Json& json) {
    const Fields fields(json, "task");
    TaskAnswer answer;
    answer.id = fields.needed("task_id");
    answer.status = fields.needed("status");
    answer.type = fields.text("type");
    answer.scope = fields.text("scope");
    answer.entity_id = fields.text("entity_id");
    answer.database_id = fields.text("database_id");
    answer.host_id = fields.text("host_id");
    answer.node_name = fields.text("node_name");
    answer.instance_id = fields.text("instance_id");
    answer.parent_id = fields.text("parent_id");
    answer.error = fields.text("error");
    answer.created_at = fields.text("created_at");
    answer.completed_at = fields.text("completed_at");
    answer.json = json;
    return answer;
}

std::vector<TaskAnswer> task_answers(const Json& json) {
    return all_of<TaskAnswer>(Fields(json, "list of tasks").array("tasks"), task_answer);
}

LogEntryAnswer log_entry_answer(const Json& json) {
    const Fields fields(json, "log entry");
    return {fields.text("id"), fields.text("timestamp"), fields.needed("message"), fields.object("fields"), json};
}

std::string DatabaseAnswer::database_name() const {
    const auto name = spec.find("database_name");
    return name != spec.end() && name->is_string() ? name->get<std::string>() : id;
}

DatabaseAnswer database_answer(const Json& json) {
    const Fields fields(json, "database");
    DatabaseAnswer answer;
    answer.id = fields.needed("id");
    answer.state = fields.needed("state");
    answer.tenant_id = fields.text("tenant_id");
    answer.created_at = fields.text("created_at");
    answer.updated_at = fields.text("updated_at");
    answer.error = fields.text("error");
    answer.last_task_id = fields.text("last_task_id");
    answer.dialect = fields.text("dialect");
    answer.revision = fields.number("revision").value_or(0);
    answer.warnings = fields.texts("warnings");
    answer.instances = all_of<InstanceAnswer>(fields.array("instances"), instance_answer);
    answer.spec = fields.object("spec");
    answer.json = json;
    return answer;
}

std::vector<DatabaseAnswer> database_answers(const Json& json) {
    return all_of<DatabaseAnswer>(Fields(json, "list of databases").array("databases"), database_answer);
}

HostAnswer host_answer(const Json& json) {
    const Fields fields(json, "host");
    const Fields status(fields.object("status"), "status");
    HostAnswer answer;
    answer.id = fields.needed("id");
    answer.state = status.text("state");
    answer.updated_at = status.text("updated_at");
    answer.components = status.object("components");
    answer.runtime = fields.text("runtime");
    if (answer.runtime.empty()) answer.runtime = fields.text("orchestrator");
    answer.data_dir = fields.text("data_dir");
    answer.memory = fields.text("memory");
    answer.cpus = static_cast<int>(fields.number("cpus").value_or(0));
    answer.addresses = fields.texts("client_addresses");
    for (const Json& version : fields.array("supported_pgedge_versions"))
        answer.postgres_versions.push_back(Fields(version, "version").text("postgres_version"));
    for (const Json& one : fields.array("postgres_installations")) {
        const Fields installation(one, "installation");
        InstallationAnswer& made = answer.installations.emplace_back();
        made.postgres_version = installation.text("postgres_version");
        made.bin_dir = installation.text("bin_dir");
        for (const auto& [name, version] : installation.object("extensions").items())
            if (version.is_string()) made.extensions.emplace(name, version.get<std::string>());
    }
    answer.voter = fields.text("etcd_mode") == "server";
    answer.json = json;
    return answer;
}

std::vector<HostAnswer> host_answers(const Json& json) {
    return all_of<HostAnswer>(Fields(json, "list of hosts").array("hosts"), host_answer);
}

ClusterAnswer cluster_answer(const Json& json) {
    const Fields fields(json, "cluster");
    const Fields status(fields.object("status"), "status");
    return {fields.needed("id"), status.text("state"), host_answers(json), json};
}

JoinTokenAnswer join_token_answer(const Json& json) {
    const Fields fields(json, "join token");
    JoinTokenAnswer answer{fields.needed("token"), fields.texts("server_urls"), json};
    if (answer.server_urls.empty())
        if (const auto url = fields.text("server_url"); !url.empty()) answer.server_urls.push_back(url);
    return answer;
}

bool PlanAnswer::deletes_data() const {
    return std::any_of(plan.steps.begin(), plan.steps.end(), [](const auto& step) { return step.impact.deletes_data; });
}

PlanAnswer plan_answer(const Json& json) {
    const Fields fields(json, "plan");
    PlanAnswer answer;
    answer.database_id = fields.needed("database_id");
    answer.type = fields.needed("type");
    answer.digest = fields.needed("digest");
    answer.summary = fields.text("summary");
    answer.base_revision = fields.number("base_revision").value_or(0);
    answer.changes = fields.flag("changes");
    answer.warnings = fields.texts("warnings");
    try {
        answer.plan = plan_from_json({{"states", fields.array("states")}, {"steps", fields.array("steps")}});
    } catch (const Error& error) {
        throw Error(ErrorKind::failed, "the agent's plan cannot be read: " + error.text(),
                    "is its version another than that of this pgedgectl? compare: pgedgectl version --server");
    }
    answer.json = json;
    return answer;
}

LinkAnswer link_answer(const Json& json) {
    const Fields fields(json, "link");
    LinkAnswer answer;
    answer.name = fields.needed("name");
    answer.provider_node = fields.needed("provider_node");
    answer.subscriber_node = fields.needed("subscriber_node");
    answer.dialect = fields.text("dialect");
    answer.status = fields.text("status");
    answer.state = fields.text("state");
    if (answer.state.empty()) answer.state = answer.status;
    answer.error = fields.text("error");
    for (const char* name : {"stopped_since", "discarded_since", "down_since"})
        if (answer.since.empty()) answer.since = fields.text(name);
    answer.lag_bytes = fields.number("lag_bytes");
    answer.kept_wal_bytes = fields.number("kept_wal_bytes");
    answer.transactions = all_of<LinkTransactionAnswer>(fields.array("transactions"), link_transaction_answer);
    answer.json = json;
    return answer;
}

std::vector<LinkAnswer> link_answers(const Json& json) {
    return all_of<LinkAnswer>(Fields(json, "list of links").array("links"), link_answer);
}

StartedAnswer started_answer(const Json& json) {
    const Fields fields(json, "started operation");
    StartedAnswer answer{task_answer(fields.object("task")), std::nullopt};
    if (const Json& database = fields.object("database"); !database.empty())
        answer.database = database_answer(database);
    return answer;
}

}  // namespace pgedge
