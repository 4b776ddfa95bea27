#pragma once

#include <memory>

#include "cli/cli_command.hpp"
#include "cli/options.hpp"

namespace pgedge {

/// All of pgedgectl: every command with its options, below a root that has the global ones.
std::unique_ptr<CliCommand> make_command_tree(GlobalOptions& options);

// One function for each file of this folder.
std::unique_ptr<CliCommand> make_apply();
std::unique_ptr<CliCommand> make_backup_create();
std::unique_ptr<CliCommand> make_restore();
std::unique_ptr<CliCommand> make_schedule_list();
std::unique_ptr<CliCommand> make_backup_list();
std::unique_ptr<CliCommand> make_cluster_bootstrap();
std::unique_ptr<CliCommand> make_cluster_info();
std::unique_ptr<CliCommand> make_cluster_init();
std::unique_ptr<CliCommand> make_cluster_join();
std::unique_ptr<CliCommand> make_cluster_token();
std::unique_ptr<CliCommand> make_complete();
std::unique_ptr<CliCommand> make_completion();
std::unique_ptr<CliCommand> make_context_add();
std::unique_ptr<CliCommand> make_context_list();
std::unique_ptr<CliCommand> make_context_remove();
std::unique_ptr<CliCommand> make_context_show();
std::unique_ptr<CliCommand> make_context_use();
std::unique_ptr<CliCommand> make_db_create();
std::unique_ptr<CliCommand> make_db_delete();
std::unique_ptr<CliCommand> make_db_link_list();
std::unique_ptr<CliCommand> make_db_link_show();
std::unique_ptr<CliCommand> make_db_link_skip();
std::unique_ptr<CliCommand> make_db_list();
std::unique_ptr<CliCommand> make_db_show();
std::unique_ptr<CliCommand> make_db_update();
std::unique_ptr<CliCommand> make_diff();
std::unique_ptr<CliCommand> make_explain();
std::unique_ptr<CliCommand> make_failover();
std::unique_ptr<CliCommand> make_help();
std::unique_ptr<CliCommand> make_host_list();
std::unique_ptr<CliCommand> make_host_show();
std::unique_ptr<CliCommand> make_instance_restart();
std::unique_ptr<CliCommand> make_instance_start();
std::unique_ptr<CliCommand> make_instance_stop();
std::unique_ptr<CliCommand> make_logs();
std::unique_ptr<CliCommand> make_man();
std::unique_ptr<CliCommand> make_node_history();
std::unique_ptr<CliCommand> make_node_pause();
std::unique_ptr<CliCommand> make_node_resume();
std::unique_ptr<CliCommand> make_node_list();
std::unique_ptr<CliCommand> make_node_show();
std::unique_ptr<CliCommand> make_plan_command();
std::unique_ptr<CliCommand> make_plan_show();
std::unique_ptr<CliCommand> make_psql();
std::unique_ptr<CliCommand> make_schema();
std::unique_ptr<CliCommand> make_status();
std::unique_ptr<CliCommand> make_switchover();
std::unique_ptr<CliCommand> make_task_cancel();
std::unique_ptr<CliCommand> make_task_list();
std::unique_ptr<CliCommand> make_task_logs();
std::unique_ptr<CliCommand> make_task_show();
std::unique_ptr<CliCommand> make_task_watch();
std::unique_ptr<CliCommand> make_uri();
std::unique_ptr<CliCommand> make_validate();
std::unique_ptr<CliCommand> make_version();

}  // namespace pgedge
