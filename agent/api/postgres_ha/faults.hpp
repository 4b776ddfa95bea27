#pragma once

#include <string>
#include <string_view>

#include "agent/serve/error_form.hpp"

namespace pgedge {

/// What this API says that is wrong. Each has a code, a name and a status, which stand in one table (faults.cpp).
enum class PgFault {
    not_in_recovery,
    single_node,
    not_failover_state,
    invalid_option,
    already_started,
    not_all_inactive,
    counterpart_started,
    behind,
    unsafe_restart,
    undone,
    runs_as_master,
    master_not_started,
    invalid_lsn,
    not_attached,
    operation_not_supported,
    wal_file_not_exists,
    no_slot_file,
    invalid_scope,
    no_space,
    invalid_parameter,
    node_not_chosen,
    no_instance,
    unknown_node,
    operation_already_in_progress,
    unknown_path,
    not_running,
    timeout,
    body_too_large,
    other,  ///< with the name and the status of the error itself
    wal_content_mismatch,
    file_exists,
    diverged_history,
    no_quorum,
    peer_unreachable,
};

/// To be thrown by handlers: {"code": N, "msg": message, "name": …} and `details` behind them.
Failure pg_failure(PgFault fault, std::string_view message, OrderedJson details = OrderedJson::object());
int code_of(PgFault fault);

/// The form of errors of this API: see pg_failure(). What the server and the router find wrong gets the fault that fits
/// best. Codes are those of the scripts that the API was made for where they have one, so several faults share one;
/// names are unique.
class PgErrors final : public ErrorForm {
public:
    HttpResponse failure(const Failure& failure) const override;
    HttpResponse unknown_path(const HttpRequest& request) const override;
    HttpResponse wrong_method(const HttpRequest& request) const override;
};

/// Throws the failure for a path whose segments hold, once decoded, what no name here may: '/', '\' or "..".
void check_segments(const HttpRequest& request);

}  // namespace pgedge
