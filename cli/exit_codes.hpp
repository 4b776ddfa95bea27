#pragma once

#include "common/base/error.hpp"

namespace pgedge {

/// How pgedgectl ends. 0 to 5 mean what they mean in the pgedge CLI, so that its scripts carry over. An Error brings
/// its own (Error::exit_code()).
enum ExitCode : int {
    kDone = 0,          ///< done, or nothing to do
    kFailed = 1,        ///< failed for any other reason; `diff --exit-code`: differs
    kUsage = 2,         ///< wrong words, or a confirmation is needed and nobody can be asked
    kStillRunning = 3,  ///< the wait ended before the work did
    kNotFound = 4,
    kDenied = 5,    ///< not authenticated, or not allowed
    kConflict = 6,  ///< lock held, stale plan: a retry may help
    kInvalid = 7,   ///< spec or request refused by validation
    kTaskFailed = 8,
    kTaskCancelled = 9,
    kChangesPending = 10,  ///< `plan --exit-code`
    kInterrupted = 130,    ///< SIGINT
    kTerminated = 143,     ///< SIGTERM
};

/// Wrong words on the command line, or a question that cannot be asked: exit code 2.
class UsageError : public Error {
public:
    explicit UsageError(std::string text, std::string hint = {})
        : Error(ErrorKind::invalid_input, std::move(text), std::move(hint)) {}
};

}  // namespace pgedge
