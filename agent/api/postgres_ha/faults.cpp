#include "agent/api/postgres_ha/faults.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kShownPath = 100;

struct FaultLine {
    PgFault fault;
    int code, status;
    std::string_view name;
};
constexpr std::array kFaults{
    FaultLine{PgFault::not_in_recovery, 1, 409, "not_in_recovery"},
    FaultLine{PgFault::single_node, 1, 409, "single_node"},
    FaultLine{PgFault::not_failover_state, 2, 409, "not_failover_state"},
    FaultLine{PgFault::invalid_option, 4, 400, "invalid_option"},
    FaultLine{PgFault::already_started, 5, 409, "already_started"},
    FaultLine{PgFault::not_all_inactive, 5, 409, "not_all_inactive"},
    FaultLine{PgFault::counterpart_started, 6, 409, "counterpart_started"},
    FaultLine{PgFault::behind, 7, 409, "behind"},
    FaultLine{PgFault::unsafe_restart, 8, 409, "unsafe_restart"},
    FaultLine{PgFault::undone, 9, 500, "undone"},
    FaultLine{PgFault::runs_as_master, 11, 409, "runs_as_master"},
    FaultLine{PgFault::master_not_started, 12, 409, "master_not_started"},
    FaultLine{PgFault::invalid_lsn, 13, 409, "invalid_lsn"},
    FaultLine{PgFault::not_attached, 14, 504, "not_attached"},
    FaultLine{PgFault::operation_not_supported, 29, 400, "operation_not_supported"},
    FaultLine{PgFault::wal_file_not_exists, 1, 404, "wal_file_not_exists"},
    FaultLine{PgFault::no_slot_file, 1, 404, "no_slot_file"},
    FaultLine{PgFault::invalid_scope, 2, 400, "invalid_scope"},
    FaultLine{PgFault::no_space, 9, 507, "no_space"},
    FaultLine{PgFault::invalid_parameter, 20, 400, "invalid_parameter"},
    FaultLine{PgFault::node_not_chosen, 21, 409, "node_not_chosen"},
    FaultLine{PgFault::no_instance, 22, 404, "no_instance"},
    FaultLine{PgFault::unknown_node, 23, 404, "unknown_node"},
    FaultLine{PgFault::operation_already_in_progress, 24, 409, "operation_already_in_progress"},
    FaultLine{PgFault::unknown_path, 25, 404, "unknown_path"},
    FaultLine{PgFault::not_running, 26, 503, "not_running"},
    FaultLine{PgFault::timeout, 27, 504, "timeout"},
    FaultLine{PgFault::body_too_large, 28, 413, "body_too_large"},
    FaultLine{PgFault::other, 29, 500, ""},
    FaultLine{PgFault::wal_content_mismatch, 30, 422, "wal_content_mismatch"},
    FaultLine{PgFault::file_exists, 31, 409, "file_exists"},
    FaultLine{PgFault::diverged_history, 32, 409, "diverged_history"},
    FaultLine{PgFault::no_quorum, 33, 503, "no_quorum"},
    FaultLine{PgFault::peer_unreachable, 34, 503, "peer_unreachable"},
};

const FaultLine& line_of(PgFault fault) {
    return *std::find_if(kFaults.begin(), kFaults.end(), [&](const auto& line) { return line.fault == fault; });
}

/// What the server, the router or a part below us said in names of its own.
const FaultLine& line_of(const Failure& failure) {
    const auto* const own =
        std::find_if(kFaults.begin(), kFaults.end(), [&](const auto& line) { return line.name == failure.name; });
    if (own != kFaults.end()) return *own;
    switch (failure.status) {
        case 400: return line_of(PgFault::invalid_parameter);
        case 408:
        case 504: return line_of(PgFault::timeout);
        case 413: return line_of(PgFault::body_too_large);
        default: return line_of(PgFault::other);
    }
}

/// Calls of the service that this API was made after which are not served, and what does their work here.
struct NotServed {
    std::string_view path, instead;
};
constexpr std::array kNotServed{
    NotServed{"/slots/file", "slots are kept on all instances of a node by the cluster itself"},
    NotServed{"/pg/", "a data directory is copied by adding a host to the node: pgedgectl apply"},
    NotServed{"/nodes/env", "look at pgedgectl host show"},
    NotServed{"/test/", "there are no test calls"},
};

std::string hint_for(std::string_view path) {
    constexpr std::string_view kOurs = "/api/pg/v1";
    const auto at = path.find(kOurs);
    if (at == std::string_view::npos) return {};
    const auto rest = path.substr(at + kOurs.size());
    if (rest.starts_with("/slot/") && rest.find("/file/") != std::string_view::npos)
        return "; the whole file is at slot/<name>/file";
    for (const auto& each : kNotServed)
        if (rest == each.path || (each.path.ends_with('/') && rest.starts_with(each.path)))
            return "; " + std::string(each.instead);
    return {};
}

}  // namespace

int code_of(PgFault fault) { return line_of(fault).code; }

Failure pg_failure(PgFault fault, std::string_view message, OrderedJson details) {
    const auto& line = line_of(fault);
    Failure failure(line.status, line.name, message);
    failure.details = std::move(details);
    return failure;
}

HttpResponse PgErrors::failure(const Failure& failure) const {
    const auto& line = line_of(failure);
    OrderedJson body{{"code", line.code},
                     {"msg", failure.message},
                     {"name", line.name.empty() ? failure.name : std::string(line.name)}};
    for (const auto& [name, value] : failure.details.items()) body[name] = value;
    HttpResponse response;
    response.status = failure.status;
    response.body = to_text(body);
    return response;
}

HttpResponse PgErrors::unknown_path(const HttpRequest& request) const {
    try {
        check_segments(request);
    } catch (const Failure& why) {
        return failure(why);
    }
    return failure(pg_failure(PgFault::unknown_path,
                              "there is no " + shortened(request.path, kShownPath) + hint_for(request.path)));
}

HttpResponse PgErrors::wrong_method(const HttpRequest& request) const {
    Failure why = pg_failure(PgFault::unknown_path, request.method + " is not allowed here");
    why.status = 405;
    return failure(why);
}

void check_segments(const HttpRequest& request) {
    for (const auto& raw : split(request.raw_path, '/')) {
        const auto segment = url_decode(raw);
        if (segment == ".." || segment.find_first_of("/\\") != std::string::npos)
            throw pg_failure(PgFault::invalid_parameter,
                             "\"" + shortened(raw, kShownPath) + "\" cannot be a part of a path here");
    }
}

}  // namespace pgedge
