#pragma once

#include <string>
#include <vector>

namespace pgedge {

/// An error that ended an apply worker, as its server's log tells it. The extensions keep it nowhere else.
struct ApplyFailure {
    std::string subscription;  ///< empty when the log's part that was read does not name it
    std::string origin_id;     ///< pg_replication_origin.roident; empty: the error did not come from a transaction
    std::string at;            ///< the time and process that stand before the line: tells two failures apart
    std::string error;         ///< the message, without DETAIL: details hold rows
    std::string action;        ///< "INSERT into public.t"
    std::string commit_lsn, xid, committed_at;  ///< of the transaction on the provider
};

/// The failures that the lines tell of, oldest first. `lines`: of one server's log, in order, with whatever
/// log_line_prefix; without a process id in it, errors outside of transactions cannot be told to be of a worker.
std::vector<ApplyFailure> apply_failures(const std::vector<std::string>& lines);

}  // namespace pgedge
