#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace pgedge {

/// What a caller can do about a failure. HTTP status and exit code of each stand in one table (error.cpp).
enum class ErrorKind {
    invalid_input,  ///< the request or the file is wrong: change it
    not_found,      ///< there is no such thing
    conflict,       ///< somebody else was first, or the object is not in a state for this: look, then try again
    denied,         ///< not allowed: other credentials are needed
    unreachable,    ///< no answer from a host, a server or the store: may pass by itself
    timed_out,      ///< the limit was reached before the answer
    cancelled,      ///< somebody asked us to stop
    failed,         ///< it was tried and did not work
    internal,       ///< our own mistake
};

/// A failure and how we got there. Caught by reference, shown once: by main(), the router or the task runner.
class Error : public std::exception {
public:
    Error(ErrorKind kind, std::string text, std::string hint = {})
        : kind_(kind), text_(std::move(text)), hint_(std::move(hint)) {}

    ErrorKind kind() const { return kind_; }
    const std::string& text() const { return text_; }
    const std::string& hint() const { return hint_; }  ///< what to do next; may be empty
    /// "port 5432 is taken; choose another one": for where there is room for one text only.
    std::string text_and_hint() const { return hint_.empty() ? text_ : text_ + "; " + hint_; }
    const char* what() const noexcept override { return text_.c_str(); }

    /// The error's name in the HTTP API, e.g. "database_already_exists"; that of the kind unless named() was called.
    std::string_view name() const;
    int http_status() const;  ///< 4xx or 5xx, by name, else by kind
    int exit_code() const;    ///< of pgedgectl: 1..9, see pgedgectl(1)
    /// True when the same call may succeed later without any change by the caller.
    bool transient() const { return kind_ == ErrorKind::unreachable || kind_ == ErrorKind::timed_out; }

    /// Gives the error one of the API's own names (api_error_names()).
    Error&& named(std::string_view api_name) &&;
    /// "port 5432 is taken" becomes "port 5432 is taken, while starting n1-a on host-1".
    void add(std::string_view action) { text_ += ", while " + std::string(action); }

private:
    ErrorKind kind_;
    std::string text_, hint_, name_;
};

std::string_view to_string(ErrorKind kind);
/// The error of an API answer: the kind that belongs to `name`, else to `status`.
Error error_from_api(int status, std::string_view name, std::string message);

/// Runs `work`; an Error on its way out learns what we were doing.
template <class Work>
auto within(std::string_view action, Work&& work) {
    try {
        return std::forward<Work>(work)();
    } catch (Error& error) {
        error.add(action);
        throw;
    }
}

/// "connection refused (errno 111)" for the given errno.
std::string errno_text(int error_number);

}  // namespace pgedge
