#include "common/base/error.hpp"

#include <algorithm>
#include <array>
#include <system_error>

namespace pgedge {
namespace {

/// One line per error the outside can see. The first line of each kind is what an unnamed error of that kind shows.
/// Names and statuses: those of the pgEdge Control Plane API; exit codes: those of the pgedge CLI (0 to 5) and ours.
struct ErrorLine {
    std::string_view name;
    ErrorKind kind;
    int http_status;
    int exit_code;
};
constexpr std::array kErrorLines{
    ErrorLine{"invalid_input", ErrorKind::invalid_input, 400, 7},
    ErrorLine{"not_found", ErrorKind::not_found, 404, 4},
    ErrorLine{"conflict", ErrorKind::conflict, 409, 6},
    ErrorLine{"denied", ErrorKind::denied, 403, 5},
    ErrorLine{"unreachable", ErrorKind::unreachable, 503, 1},
    ErrorLine{"timed_out", ErrorKind::timed_out, 504, 3},
    ErrorLine{"cancelled", ErrorKind::cancelled, 503, 9},
    ErrorLine{"server_error", ErrorKind::failed, 500, 1},
    ErrorLine{"server_error", ErrorKind::internal, 500, 1},
    ErrorLine{"cluster_not_initialized", ErrorKind::conflict, 409, 6},
    ErrorLine{"cluster_already_initialized", ErrorKind::conflict, 409, 6},
    ErrorLine{"database_already_exists", ErrorKind::conflict, 409, 6},
    ErrorLine{"database_not_modifiable", ErrorKind::conflict, 409, 6},
    ErrorLine{"operation_already_in_progress", ErrorKind::conflict, 409, 6},
    ErrorLine{"stale_plan", ErrorKind::conflict, 409, 6},
    ErrorLine{"operation_not_supported", ErrorKind::invalid_input, 400, 7},
    ErrorLine{"invalid_join_token", ErrorKind::denied, 401, 5},
    // What the API's decoder says before a request reaches any code of ours.
    ErrorLine{"decode_payload", ErrorKind::invalid_input, 400, 7},
    ErrorLine{"missing_payload", ErrorKind::invalid_input, 400, 7},
    ErrorLine{"missing_field", ErrorKind::invalid_input, 400, 7},
    ErrorLine{"invalid_field_type", ErrorKind::invalid_input, 400, 7},
    ErrorLine{"invalid_pattern", ErrorKind::invalid_input, 400, 7},
    ErrorLine{"invalid_length", ErrorKind::invalid_input, 400, 7},
    ErrorLine{"invalid_range", ErrorKind::invalid_input, 400, 7},
    ErrorLine{"invalid_enum_value", ErrorKind::invalid_input, 400, 7},
    ErrorLine{"invalid_format", ErrorKind::invalid_input, 400, 7},
    ErrorLine{"payload_too_large", ErrorKind::invalid_input, 413, 7},
    ErrorLine{"method_not_allowed", ErrorKind::invalid_input, 405, 7},
};

const ErrorLine& line_of(ErrorKind kind) {
    return *std::find_if(kErrorLines.begin(), kErrorLines.end(), [&](const auto& line) { return line.kind == kind; });
}
const ErrorLine* line_of(std::string_view name) {
    const auto* found =
        std::find_if(kErrorLines.begin(), kErrorLines.end(), [&](const auto& line) { return line.name == name; });
    return found == kErrorLines.end() ? nullptr : found;
}
const ErrorLine& line_of(ErrorKind kind, std::string_view name) {
    const auto* named = name.empty() ? nullptr : line_of(name);
    return named ? *named : line_of(kind);
}

}  // namespace

std::string_view Error::name() const { return line_of(kind_, name_).name; }
int Error::http_status() const { return line_of(kind_, name_).http_status; }
int Error::exit_code() const { return line_of(kind_, name_).exit_code; }

Error&& Error::named(std::string_view api_name) && {
    if (!line_of(api_name)) throw Error(ErrorKind::internal, "no API error is called " + std::string(api_name));
    name_ = api_name;
    return std::move(*this);
}

std::string_view to_string(ErrorKind kind) {
    return kind == ErrorKind::internal ? "internal" : kind == ErrorKind::failed ? "failed" : line_of(kind).name;
}

Error error_from_api(int status, std::string_view name, std::string message) {
    if (const auto* line = line_of(name); line && line->http_status == status)
        return Error(line->kind, std::move(message)).named(name);
    for (const auto& line : kErrorLines)
        if (line.http_status == status) return {line.kind, std::move(message)};
    if (status == 401) return {ErrorKind::denied, std::move(message)};
    return {status >= 400 && status < 500 ? ErrorKind::invalid_input : ErrorKind::failed, std::move(message)};
}

std::string errno_text(int error_number) {
    return std::generic_category().message(error_number) + " (errno " + std::to_string(error_number) + ")";
}

}  // namespace pgedge
