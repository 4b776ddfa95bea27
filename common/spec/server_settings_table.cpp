#include "common/spec/server_settings.hpp"

namespace pgedge {

/// pg_settings of PostgreSQL 15 with pglogical and pg_stat_statements, the bounds widened to what 16 to 18 take, and
/// what those versions added: name, type, unit, least, most.
const std::string_view kNumberSettings = R"(
archive_timeout int s 0 1073741823
authentication_timeout int s 1 600
autovacuum_analyze_scale_factor real - 0 100
autovacuum_analyze_threshold int - 0 2147483647
autovacuum_freeze_max_age int - 100000 2000000000
autovacuum_max_workers int - 1 262143
autovacuum_multixact_freeze_max_age int - 10000 2000000000
autovacuum_naptime int s 1 2147483
autovacuum_vacuum_cost_delay real ms -1 100
autovacuum_vacuum_cost_limit int - -1 10000
autovacuum_vacuum_insert_scale_factor real - 0 100
autovacuum_vacuum_insert_threshold int - -1 2147483647
autovacuum_vacuum_max_threshold int - -1 2147483647
autovacuum_vacuum_scale_factor real - 0 100
autovacuum_vacuum_threshold int - 0 2147483647
autovacuum_work_mem int kB -1 2147483647
autovacuum_worker_slots int - 1 262143
backend_flush_after int 8kB 0 256
bgwriter_delay int ms 10 10000
bgwriter_flush_after int 8kB 0 256
bgwriter_lru_maxpages int - 0 1073741823
bgwriter_lru_multiplier real - 0 10
checkpoint_completion_target real - 0 1
checkpoint_flush_after int 8kB 0 256
checkpoint_timeout int s 30 86400
checkpoint_warning int s 0 2147483647
client_connection_check_interval int ms 0 2147483647
commit_delay int - 0 100000
commit_siblings int - 0 1000
commit_timestamp_buffers int 8kB 0 131072
cpu_index_tuple_cost real - 0 max
cpu_operator_cost real - 0 max
cpu_tuple_cost real - 0 max
cursor_tuple_fraction real - 0 1
deadlock_timeout int ms 1 2147483647
debug_discard_caches int - 0 0
default_statistics_target int - 1 10000
effective_cache_size int 8kB 1 2147483647
effective_io_concurrency int - 0 1000
extra_float_digits int - -15 3
from_collapse_limit int - 1 2147483647
geqo_effort int - 1 10
geqo_generations int - 0 2147483647
geqo_pool_size int - 0 2147483647
geqo_seed real - 0 1
geqo_selection_bias real - 1.5 2
geqo_threshold int - 2 2147483647
gin_fuzzy_search_limit int - 0 2147483647
gin_pending_list_limit int kB 64 2147483647
hash_mem_multiplier real - 1 1000
huge_page_size int kB 0 2147483647
idle_in_transaction_session_timeout int ms 0 2147483647
idle_replication_slot_timeout int s 0 2147483647
idle_session_timeout int ms 0 2147483647
io_combine_limit int 8kB 1 128
io_max_combine_limit int 8kB 1 128
io_max_concurrency int - -1 1024
io_workers int - 1 32
jit_above_cost real - -1 max
jit_inline_above_cost real - -1 max
jit_optimize_above_cost real - -1 max
join_collapse_limit int - 1 2147483647
lock_timeout int ms 0 2147483647
log_autovacuum_min_duration int ms -1 2147483647
log_file_mode int - 0 511
log_min_duration_sample int ms -1 2147483647
log_min_duration_statement int ms -1 2147483647
log_parameter_max_length int B -1 1073741823
log_parameter_max_length_on_error int B -1 1073741823
log_rotation_age int min 0 35791394
log_rotation_size int kB 0 2097151
log_startup_progress_interval int ms 0 2147483647
log_statement_sample_rate real - 0 1
log_temp_files int kB -1 2147483647
log_transaction_sample_rate real - 0 1
logical_decoding_work_mem int kB 64 2147483647
maintenance_io_concurrency int - 0 1000
maintenance_work_mem int kB 64 2147483647
max_active_replication_origins int - 0 262143
max_connections int - 1 262143
max_files_per_process int - 64 2147483647
max_locks_per_transaction int - 10 2147483647
max_logical_replication_workers int - 0 262143
max_notify_queue_pages int - 64 2147483647
max_parallel_apply_workers_per_subscription int - 0 1024
max_parallel_maintenance_workers int - 0 1024
max_parallel_workers int - 0 1024
max_parallel_workers_per_gather int - 0 1024
max_pred_locks_per_page int - 0 2147483647
max_pred_locks_per_relation int - -2147483648 2147483647
max_pred_locks_per_transaction int - 10 2147483647
max_prepared_transactions int - 0 262143
max_replication_slots int - 0 262143
max_slot_wal_keep_size int MB -1 2147483647
max_stack_depth int kB 100 2147483647
max_standby_archive_delay int ms -1 2147483647
max_standby_streaming_delay int ms -1 2147483647
max_sync_workers_per_subscription int - 0 262143
max_wal_senders int - 0 262143
max_wal_size int MB 2 2147483647
max_worker_processes int - 0 262143
min_dynamic_shared_memory int MB 0 2147483647
min_parallel_index_scan_size int 8kB 0 715827882
min_parallel_table_scan_size int 8kB 0 715827882
min_wal_size int MB 2 2147483647
multixact_member_buffers int 8kB 16 131072
multixact_offset_buffers int 8kB 16 131072
notify_buffers int 8kB 16 131072
old_snapshot_threshold int min -1 86400
parallel_setup_cost real - 0 max
parallel_tuple_cost real - 0 max
pg_stat_statements.max int - 100 1073741823
post_auth_delay int s 0 2147
pre_auth_delay int s 0 60
random_page_cost real - 0 max
recovery_min_apply_delay int ms 0 2147483647
recursive_worktable_factor real - 0.001 1e+06
reserved_connections int - 0 262143
scram_iterations int - 1 2147483647
seq_page_cost real - 0 max
serializable_buffers int 8kB 16 131072
shared_buffers int 8kB 16 1073741823
statement_timeout int ms 0 2147483647
subtransaction_buffers int 8kB 0 131072
superuser_reserved_connections int - 0 262143
tcp_keepalives_count int - 0 2147483647
tcp_keepalives_idle int s 0 2147483647
tcp_keepalives_interval int s 0 2147483647
tcp_user_timeout int ms 0 2147483647
temp_buffers int 8kB 100 1073741823
temp_file_limit int kB -1 2147483647
track_activity_query_size int B 100 1048576
transaction_buffers int 8kB 0 131072
transaction_timeout int ms 0 2147483647
unix_socket_permissions int - 0 511
vacuum_buffer_usage_limit int kB 0 16777216
vacuum_cost_delay real ms 0 100
vacuum_cost_limit int - 1 10000
vacuum_cost_page_dirty int - 0 10000
vacuum_cost_page_hit int - 0 10000
vacuum_cost_page_miss int - 0 10000
vacuum_defer_cleanup_age int - 0 1000000
vacuum_failsafe_age int - 0 2100000000
vacuum_freeze_min_age int - 0 1000000000
vacuum_freeze_table_age int - 0 2000000000
vacuum_max_eager_freeze_failure_rate real - 0 1
vacuum_multixact_failsafe_age int - 0 2100000000
vacuum_multixact_freeze_min_age int - 0 1000000000
vacuum_multixact_freeze_table_age int - 0 2000000000
wal_buffers int 8kB -1 262143
wal_decode_buffer_size int B 65536 1073741823
wal_keep_size int MB 0 2147483647
wal_receiver_status_interval int s 0 2147483
wal_receiver_timeout int ms 0 2147483647
wal_retrieve_retry_interval int ms 1 2147483647
wal_sender_timeout int ms 0 2147483647
wal_skip_threshold int kB 0 2147483647
wal_summary_keep_time int min 0 35791394
wal_writer_delay int ms 1 10000
wal_writer_flush_after int 8kB 0 2147483647
work_mem int kB 64 2147483647
)";

/// Booleans. Not log_connections, a list since 18.
const std::string_view kBooleanSettings = R"(
allow_alter_system allow_in_place_tablespaces allow_system_table_mods array_nulls autovacuum bonjour
check_function_bodies data_sync_retry db_user_namespace debug_pretty_print debug_print_parse debug_print_plan
debug_print_rewritten default_transaction_deferrable default_transaction_read_only enable_async_append
enable_bitmapscan enable_distinct_reordering enable_gathermerge enable_group_by_reordering enable_hashagg
enable_hashjoin enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize
enable_mergejoin enable_nestloop enable_parallel_append enable_parallel_hash enable_partition_pruning
enable_partitionwise_aggregate enable_partitionwise_join enable_presorted_aggregate
enable_self_join_elimination enable_seqscan enable_sort enable_tidscan escape_string_warning event_triggers
exit_on_error fsync full_page_writes geqo gss_accept_delegation hot_standby hot_standby_feedback
ignore_checksum_failure ignore_invalid_pages ignore_system_indexes jit jit_debugging_support jit_dump_bitcode
jit_expressions jit_profiling_support jit_tuple_deforming krb_caseins_users lo_compat_privileges
log_checkpoints log_disconnections log_duration log_executor_stats log_hostname log_lock_failures
log_lock_waits log_parser_stats log_planner_stats log_recovery_conflict_waits log_replication_commands
log_statement_stats log_truncate_on_rotation logging_collector md5_password_warnings
parallel_leader_participation pg_stat_statements.save pg_stat_statements.track_planning
pg_stat_statements.track_utility pglogical.batch_inserts pglogical.synchronous_commit pglogical.use_spi
quote_all_identifiers recovery_target_inclusive remove_temp_files_after_crash restart_after_crash row_security
ssl ssl_passphrase_command_supports_reload ssl_prefer_server_ciphers standard_conforming_strings summarize_wal
sync_replication_slots synchronize_seqscans syslog_sequence_numbers syslog_split_messages trace_notify
trace_sort track_activities track_commit_timestamp track_cost_delay_timing track_counts track_io_timing
track_wal_io_timing transform_null_equals update_process_title
wal_init_zero wal_log_hints wal_receiver_create_temp_slot wal_recycle zero_damaged_pages
)";

/// Enumerations with their words.
const std::string_view kEnumSettings = R"(
IntervalStyle postgres|postgres_verbose|sql_standard|iso_8601
archive_mode always|on|off
backslash_quote safe_encoding|on|off
bytea_output escape|hex
client_min_messages debug5|debug4|debug3|debug2|debug1|log|notice|warning|error
compute_query_id auto|regress|on|off
constraint_exclusion partition|on|off
default_toast_compression pglz|lz4
default_transaction_isolation serializable|repeatable read|read committed|read uncommitted
dynamic_shared_memory_type posix|sysv|mmap
force_parallel_mode off|on|regress
huge_pages off|on|try
log_error_verbosity terse|default|verbose
log_min_error_statement debug5|debug4|debug3|debug2|debug1|info|notice|warning|error|log|fatal|panic
log_min_messages debug5|debug4|debug3|debug2|debug1|info|notice|warning|error|log|fatal|panic
log_statement none|ddl|mod|all
password_encryption md5|scram-sha-256
pg_stat_statements.track none|top|all
pglogical.conflict_log_level debug5|debug4|debug3|debug2|debug1|info|notice|warning|error|log|fatal|panic
pglogical.conflict_resolution error|apply_remote|keep_local|last_update_wins|first_update_wins
plan_cache_mode auto|force_generic_plan|force_custom_plan
recovery_init_sync_method fsync|syncfs
recovery_prefetch off|on|try
recovery_target_action pause|promote|shutdown
session_replication_role origin|replica|local
shared_memory_type sysv|mmap
ssl_max_protocol_version |TLSv1|TLSv1.1|TLSv1.2|TLSv1.3
ssl_min_protocol_version TLSv1|TLSv1.1|TLSv1.2|TLSv1.3
stats_fetch_consistency none|cache|snapshot
synchronous_commit local|remote_write|remote_apply|on|off
syslog_facility local0|local1|local2|local3|local4|local5|local6|local7
trace_recovery_messages debug5|debug4|debug3|debug2|debug1|log|notice|warning|error
track_functions none|pl|all
wal_compression pglz|lz4|zstd|on|off
wal_level minimal|replica|logical
wal_sync_method fsync|fdatasync|open_sync|open_datasync
xmlbinary base64|hex
xmloption content|document
)";

/// Any text, as far as the type tells, in 15 without extensions.
const std::string_view kTextSettings = R"(
DateStyle TimeZone application_name archive_cleanup_command archive_command archive_library
backtrace_functions bonjour_name client_encoding cluster_name config_file data_directory
default_table_access_method default_tablespace default_text_search_config dynamic_library_path event_source
extension_destdir external_pid_file hba_file ident_file jit_provider krb_server_keyfile lc_messages
lc_monetary lc_numeric lc_time listen_addresses local_preload_libraries log_destination log_directory
log_filename log_line_prefix log_timezone primary_conninfo primary_slot_name promote_trigger_file
recovery_end_command recovery_target recovery_target_lsn recovery_target_name recovery_target_time
recovery_target_timeline recovery_target_xid restore_command restrict_nonsystem_relation_kind search_path
session_preload_libraries shared_preload_libraries ssl_ca_file ssl_cert_file ssl_ciphers ssl_crl_dir
ssl_crl_file ssl_dh_params_file ssl_ecdh_curve ssl_key_file ssl_passphrase_command synchronous_standby_names
syslog_ident temp_tablespaces timezone_abbreviations unix_socket_directories unix_socket_group
wal_consistency_checking log_connections sort_mem vacuum_mem default_with_oids ssl_renegotiation_limit
)";

/// What only a build, initdb or a transaction decides: not in a file.
const std::string_view kFixedSettings = R"(
block_size data_checksums data_directory_mode debug_assertions in_hot_standby integer_datetimes is_superuser
lc_collate role seed session_authorization transaction_deferrable transaction_isolation transaction_read_only
lc_ctype max_function_args max_identifier_length max_index_keys segment_size server_encoding server_version
server_version_num shared_memory_size shared_memory_size_in_huge_pages ssl_library wal_block_size
wal_segment_size
)";

}  // namespace pgedge
