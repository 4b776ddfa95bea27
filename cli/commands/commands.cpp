#include "cli/commands/commands.hpp"

namespace pgedge {
namespace {

/// A word that only gathers commands.
class Group final : public CliCommand {
public:
    Group(std::string name, std::string summary, std::vector<Example> examples, std::string alias = {})
        : CliCommand(std::move(name), std::move(summary)) {
        for (auto& one : examples) example(std::move(one.line), std::move(one.what));
        if (!alias.empty()) also_called(std::move(alias));
    }
};

std::unique_ptr<CliCommand> cluster() {
    auto group = std::make_unique<Group>(
        "cluster", "Create a cluster, add hosts to it, show it",
        std::vector<Example>{
            {"pgedgectl cluster bootstrap -f cluster.yaml", "make a cluster of bare machines, over SSH"},
            {"pgedgectl cluster init", "create a cluster; the agent of this machine is its first host"},
            {"pgedgectl cluster join https://host-2:3000", "add the host of another agent"}});
    group->add(make_cluster_bootstrap());
    group->add(make_cluster_init());
    group->add(make_cluster_join());
    group->add(make_cluster_info());
    group->add(make_cluster_token());
    return group;
}

std::unique_ptr<CliCommand> host() {
    auto group = std::make_unique<Group>("host", "Show the hosts of the cluster",
                                         std::vector<Example>{{"pgedgectl host list", "all hosts with their states"}});
    group->add(make_host_list());
    group->add(make_host_show());
    return group;
}

std::unique_ptr<CliCommand> link() {
    auto group = std::make_unique<Group>(
        "link", "Look at the links between nodes, and mend one that has stopped",
        std::vector<Example>{
            {"pgedgectl db link list storefront", "all of them and how they are"},
            {"pgedgectl db link show storefront n1-n2", "one, with the transaction that it cannot apply"}});
    group->add(make_db_link_list());
    group->add(make_db_link_show());
    group->add(make_db_link_skip());
    return group;
}

std::unique_ptr<CliCommand> database() {
    auto group = std::make_unique<Group>(
        "db", "Create, show, change and delete databases",
        std::vector<Example>{{"pgedgectl db list", "all databases with their states"},
                             {"pgedgectl db show storefront", "one of them with its instances"}},
        "database");
    group->add(make_db_list());
    group->add(make_db_show());
    group->add(make_db_create());
    group->add(make_db_update());
    group->add(make_db_delete());
    group->add(link());
    group->add(make_uri());
    return group;
}

std::unique_ptr<CliCommand> node() {
    auto group = std::make_unique<Group>(
        "node", "Show the nodes of a database, and the primaries that they have had",
        std::vector<Example>{{"pgedgectl node list storefront", "who is primary of each node"},
                             {"pgedgectl node show storefront n1", "one of them, and who could take over"}});
    group->add(make_node_list());
    group->add(make_node_show());
    group->add(make_node_history());
    group->add(make_node_pause());
    group->add(make_node_resume());
    return group;
}

std::unique_ptr<CliCommand> instance() {
    auto group = std::make_unique<Group>(
        "instance", "Restart, stop and start the servers of a database",
        std::vector<Example>{{"pgedgectl instance restart storefront host-2", "one server of a database"},
                             {"pgedgectl instance stop storefront host-2", "and keep it down"}});
    group->add(make_instance_restart());
    group->add(make_instance_stop());
    group->add(make_instance_start());
    return group;
}

std::unique_ptr<CliCommand> backup() {
    auto group = std::make_unique<Group>(
        "backup", "Back nodes up, and list their backups",
        std::vector<Example>{{"pgedgectl backup create storefront --node n1 --type full", "make one now"},
                             {"pgedgectl backup list storefront", "what the repositories hold"}});
    group->add(make_backup_create());
    group->add(make_backup_list());
    return group;
}

std::unique_ptr<CliCommand> schedule() {
    auto group = std::make_unique<Group>(
        "schedule", "Show when backups are made by themselves",
        std::vector<Example>{{"pgedgectl schedule list", "a calendar of all databases, the next backup first"}});
    group->add(make_schedule_list());
    return group;
}

std::unique_ptr<CliCommand> task() {
    auto group = std::make_unique<Group>(
        "task", "Show, follow and cancel tasks: the work that agents do",
        std::vector<Example>{
            {"pgedgectl task list storefront", "what was done to a database"},
            {"pgedgectl task watch 0199d3", "follow it to its end; a few letters of the id are enough"}});
    group->add(make_task_list());
    group->add(make_task_show());
    group->add(make_task_watch());
    group->add(make_task_logs());
    group->add(make_task_cancel());
    return group;
}

std::unique_ptr<CliCommand> context() {
    auto group = std::make_unique<Group>(
        "context", "Name clusters and choose the one to use",
        std::vector<Example>{
            {"pgedgectl context add prod --endpoint https://host-1:3000 --ca-file ca.pem", "name a cluster"},
            {"pgedgectl context use prod", "use it from now on"}});
    group->add(make_context_list());
    group->add(make_context_show());
    group->add(make_context_use());
    group->add(make_context_add());
    group->add(make_context_remove());
    return group;
}

}  // namespace

std::unique_ptr<CliCommand> make_command_tree(GlobalOptions& options) {
    auto root = std::make_unique<Group>(
        "pgedgectl", "Turns hosts into a distributed PostgreSQL platform, and runs it",
        std::vector<Example>{
            {"pgedgectl validate -f storefront.yaml", "check a file, without any agent"},
            {"pgedgectl apply -f storefront.yaml", "create the database, or change it to match the file"},
            {"pgedgectl status", "the state of hosts and databases"},
            {"pgedgectl psql storefront", "open psql on the database"}});
    add_global_options(*root, options);
    root->add(make_plan_command());
    root->add(make_apply());
    root->add(make_diff());
    root->add(make_validate());
    root->add(make_status());
    root->add(make_psql());
    root->add(make_uri());
    root->add(make_logs());
    root->add(make_switchover());
    root->add(make_failover());
    root->add(make_restore());
    root->add(schedule());
    root->add(make_explain());
    root->add(cluster());
    root->add(host());
    root->add(database());
    root->add(node());
    root->add(instance());
    root->add(backup());
    root->add(task());
    root->add(context());
    root->add(make_schema());
    root->add(make_completion());
    root->add(make_version());
    root->add(make_help());
    root->add(make_complete());
    root->add(make_man());
    return root;
}

}  // namespace pgedge
