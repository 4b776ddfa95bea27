#pragma once

#include <memory>

#include "cli/command.hpp"
#include "cli/options.hpp"

namespace pgedge {

/// All of pgedgectl: every command with its options, below a root that has the global ones.
std::unique_ptr<Command> make_command_tree(GlobalOptions& options);

// One function for each file of this folder.
std::unique_ptr<Command> make_cluster_info();
std::unique_ptr<Command> make_cluster_init();
std::unique_ptr<Command> make_cluster_join();
std::unique_ptr<Command> make_cluster_token();
std::unique_ptr<Command> make_complete();
std::unique_ptr<Command> make_completion();
std::unique_ptr<Command> make_context_add();
std::unique_ptr<Command> make_context_list();
std::unique_ptr<Command> make_context_remove();
std::unique_ptr<Command> make_context_show();
std::unique_ptr<Command> make_context_use();
std::unique_ptr<Command> make_db_list();
std::unique_ptr<Command> make_db_show();
std::unique_ptr<Command> make_explain();
std::unique_ptr<Command> make_host_list();
std::unique_ptr<Command> make_host_show();
std::unique_ptr<Command> make_man();
std::unique_ptr<Command> make_schema();
std::unique_ptr<Command> make_task_cancel();
std::unique_ptr<Command> make_task_list();
std::unique_ptr<Command> make_task_logs();
std::unique_ptr<Command> make_task_show();
std::unique_ptr<Command> make_task_watch();
std::unique_ptr<Command> make_validate();
std::unique_ptr<Command> make_version();

}  // namespace pgedge
