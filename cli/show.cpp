#include "cli/show.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/terminal/step_board.hpp"
#include "cli/terminal/table.hpp"
#include "common/base/text.hpp"
#include "common/spec/database_spec.hpp"

namespace pgedge {
namespace {

/// "Label:   value" lines; empty values are left out.
void show_fields(std::ostream& out, const Style& style,
                 const std::vector<std::pair<std::string, std::string>>& fields) {
    int widest = 0;
    for (const auto& [name, value] : fields)
        if (!value.empty()) widest = std::max(widest, width_of(name));
    for (const auto& [name, value] : fields)
        if (!value.empty()) out << style.bold(padded(name + ":", widest + 2)) << value << '\n';
}

std::string address_of(const InstanceAnswer& instance) {
    if (instance.addresses.empty() || !instance.port) return "";
    const std::string& host = instance.addresses.front();
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(*instance.port);
}

/// What comes in from the other nodes, or how far a replica is behind.
std::string replication_of(const InstanceAnswer& instance) {
    if (instance.replay_lag_bytes) return size_text(*instance.replay_lag_bytes) + " behind its primary";
    std::vector<std::string> all;
    for (const auto& subscription : instance.subscriptions) {
        std::string text = "from " + subscription.provider_node + " " + subscription.state;
        if (subscription.lag_bytes && *subscription.lag_bytes > 0)
            text += " (" + size_text(*subscription.lag_bytes) + " behind)";
        all.push_back(text);
    }
    return joined(all, ", ");
}

/// Agents tell sizes exactly ("24684092KiB"), which is what scripts need.
std::string rounded(const std::string& size) {
    try {
        return size.empty() ? "" : size_text(parse_bytes(size));
    } catch (const Error&) {  // of a newer agent: better than nothing
        return clean(size);
    }
}

/// Which extension replicates, and that the other one is not there.
std::string replication_of(const PostgresInstallation& one) {
    std::vector<std::string> has, lacks;
    for (const char* name : {"spock", "pglogical"}) {
        const auto found = one.extensions.find(name);
        if (found == one.extensions.end())
            lacks.push_back("no " + std::string(name));
        else
            has.push_back(fmt::format("{} {}", name, found->second));
    }
    if (has.empty()) return joined(lacks, ", ");
    return lacks.empty() ? joined(has, ", ") : fmt::format("{} ({})", joined(has, ", "), joined(lacks, ", "));
}

void show_installations(std::ostream& out, const Style& style, const std::vector<PostgresInstallation>& installations) {
    if (installations.empty()) return;
    out << '\n';
    Table table({"POSTGRES", "REPLICATION", "OTHER EXTENSIONS", "PROGRAMS"});
    for (const auto& one : installations) {
        std::vector<std::string> others;
        for (const auto& [name, version] : one.extensions)
            if (name != "spock" && name != "pglogical") others.push_back(fmt::format("{} {}", name, version));
        table.add({one.postgres, replication_of(one), joined(others, ", "), one.bin_dir});
    }
    table.print(out, style);
}

/// Nodes have the same tables: those of the instance that tells of most.
void show_keyless_tables(std::ostream& out, const Style& style, const std::vector<InstanceAnswer>& instances) {
    const auto most = std::max_element(instances.begin(), instances.end(), [](const auto& a, const auto& b) {
        return a.keyless_table_count < b.keyless_table_count;
    });
    if (most == instances.end() || most->keyless_table_count <= 0) return;
    std::string names = clean(joined(most->keyless_tables, ", "));
    const auto more = most->keyless_table_count - static_cast<std::int64_t>(most->keyless_tables.size());
    if (more > 0) names += fmt::format(" and {} more", more);
    out << '\n'
        << style.yellow("Tables without a primary key: ") << names << "\nUPDATE and DELETE are refused on them.\n";
}

/// Said while hosts are being upgraded.
void show_levels(std::ostream& out, const Style& style, const std::vector<HostAnswer>& hosts) {
    std::int64_t newest = 0;
    for (const auto& host : hosts) newest = std::max(newest, host.level);
    std::vector<std::string> behind;
    for (const auto& host : hosts)
        if (host.level < newest) behind.push_back(clean(host.id));
    if (!behind.empty())
        out << '\n'
            << style.yellow("upgrade: ") << joined(behind, ", ") << " has an older program than the others; databases "
            << "cannot be changed by the newer ones until all have the same\n";
}

/// What the running steps tell.
std::string progress_of(const TaskAnswer& task) {
    std::vector<std::string> lines;
    if (task.progress)
        for (const auto& step : task.progress->running) lines.push_back(progress_line(step));
    return joined(lines, "; ");
}

}  // namespace

void show_database(std::ostream& out, const Style& style, const DatabaseAnswer& database) {
    const std::string version =
        database.spec.contains("postgres_version") && database.spec["postgres_version"].is_string()
            ? database.spec["postgres_version"].get<std::string>()
            : "";
    show_fields(out, style,
                {{"Database", clean(database.id)},
                 {"Name", database.database_name() == database.id ? "" : clean(database.database_name())},
                 {"State", style.state(clean(database.state))},
                 {"Error", database.state == "degraded" ? "" : style.red(clean(database.error))},
                 {"Tenant", clean(database.tenant_id)},
                 {"Postgres", clean(version)},
                 {"Replication", clean(database.dialect)},
                 {"Revision", database.revision > 0 ? std::to_string(database.revision) : ""},
                 {"Created", clean(database.created_at)},
                 {"Updated", clean(database.updated_at)},
                 {"Last task", clean(database.last_task_id)}});
    if (database.instances.empty()) return;
    out << '\n';
    Table table({"NODE", "INSTANCE", "HOST", "STATE", "ROLE", "VERSION", "ADDRESS", "REPLICATION"});
    for (const auto& instance : database.instances)
        table.add({instance.node_name, instance.id, instance.host_id, instance.state, instance.role,
                   instance.postgres_version, address_of(instance), replication_of(instance)});
    table.print(out, style);
    for (const auto& instance : database.instances) {
        if (!instance.error.empty())
            out << '\n' << style.red(clean(instance.id) + ": ") << clean(instance.error) << '\n';
        if (instance.pending_restart)
            out << '\n' << style.yellow(clean(instance.id) + ": ") << "a restart is pending for new settings\n";
    }
    show_keyless_tables(out, style, database.instances);
    // One line for each thing that is wrong, whole: it holds what the server said.
    if (database.state == "degraded" && !database.error.empty())
        for (const auto& reason : split(database.error, '\n'))
            out << '\n' << style.red("degraded: ") << clean(reason) << '\n';
    for (const auto& warning : database.warnings) out << '\n' << style.yellow("warning: ") << clean(warning) << '\n';
}

void show_host(std::ostream& out, const Style& style, const HostAnswer& host) {
    show_fields(out, style,
                {{"Host", clean(host.id)},
                 {"State", style.state(clean(host.state))},
                 {"Seen", clean(host.updated_at)},
                 {"Runtime", clean(host.runtime)},
                 {"Addresses", clean(joined(host.addresses, ", "))},
                 {"Data", clean(host.data_dir)},
                 {"CPUs", host.cpus > 0 ? std::to_string(host.cpus) : ""},
                 {"Memory", rounded(host.memory)},
                 {"Postgres", clean(joined(host.postgres_versions, ", "))},
                 {"Store", host.voter ? "voter" : "non-voter"},
                 {"Level", host.level > 0 ? std::to_string(host.level) : ""}});
    show_installations(out, style, host.installations);
    if (host.components.empty()) return;
    out << '\n';
    Table table({"COMPONENT", "STATE", "ERROR"});
    for (const auto& [name, health] : host.components.items()) {
        const bool healthy = health.is_object() && health.value("healthy", false);
        table.add({name, healthy ? "healthy" : "failed", health.is_object() ? health.value("error", "") : ""});
    }
    table.print(out, style);
}

void show_task(std::ostream& out, const Style& style, const TaskAnswer& task) {
    show_fields(out, style,
                {{"Task", clean(task.id)},
                 {"Type", clean(task.type)},
                 {"Status", style.state(clean(task.status))},
                 {"Error", style.red(clean(task.error))},
                 {"Database", clean(task.database_id)},
                 {"Node", clean(task.node_name)},
                 {"Instance", clean(task.instance_id)},
                 {"Host", clean(task.host_id)},
                 {"Part of", clean(task.parent_id)},
                 {"Has parts", clean(joined(task.child_ids, ", "))},
                 {"Steps", task.progress ? fmt::format("{} of {} done", task.progress->steps_done, task.progress->steps)
                                         : std::string()},
                 {"Progress", progress_of(task)},
                 {"Created", clean(task.created_at)},
                 {"Completed", clean(task.completed_at)}});
}

void show_hosts(std::ostream& out, const Style& style, const std::vector<HostAnswer>& hosts) {
    Table table({"ID", "STATE", "ADDRESS", "RUNTIME", "POSTGRES", "CPUS", "MEMORY", "STORE"});
    for (const auto& host : hosts)
        table.add({host.id, host.state, host.addresses.empty() ? "" : host.addresses.front(), host.runtime,
                   joined(host.postgres_versions, ","), host.cpus > 0 ? std::to_string(host.cpus) : "",
                   rounded(host.memory), host.voter ? "voter" : "non-voter"});
    table.print(out, style);
    show_levels(out, style, hosts);
}

void show_databases(std::ostream& out, const Style& style, const std::vector<DatabaseAnswer>& databases) {
    Table table({"ID", "STATE", "INSTANCES", "UPDATED", "ERROR"});
    for (const auto& database : databases) {
        const auto available = std::count_if(database.instances.begin(), database.instances.end(),
                                             [](const auto& instance) { return instance.state == "available"; });
        table.add({database.id, database.state, fmt::format("{}/{}", available, database.instances.size()),
                   database.updated_at, cut_to(clean(database.error), 60)});
    }
    table.print(out, style);
}

void show_tasks(std::ostream& out, const Style& style, const std::vector<TaskAnswer>& tasks) {
    Table table({"ID", "TYPE", "OF", "STATUS", "CREATED", "COMPLETED", "ERROR"});
    for (const auto& task : tasks)
        table.add({task.id, task.type, task.entity_id, task.status, task.created_at, task.completed_at,
                   cut_to(clean(task.error), 60)});
    table.print(out, style, "STATUS");
}

}  // namespace pgedge
