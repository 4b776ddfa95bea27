#include "common/base/thread_top.hpp"

#include <chrono>

#include <sys/resource.h>
#include <unistd.h>

#include "common/base/limit.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kAgainAfter{1};
constexpr int kNice = -10;

/// Telling may fail for the same reason as the body.
void tell(const Log& log, std::string_view name, std::string_view what) noexcept {
    try {
        log.error("a thread met an error that it does not handle", {{"thread", name}, {"error", what}});
    } catch (const std::exception&) {
        // There is nobody left to tell.
    }
}

/// True: `body` ended by itself.
bool ends(const Log& log, std::string_view name, const std::function<void()>& body) noexcept {
    try {
        body();
        return true;
    } catch (const std::exception& error) {
        tell(log, name, error.what());
    }
    return false;
}

}  // namespace

void run_thread(const Log& log, std::string_view name, const std::stop_token& stop,
                const std::function<void()>& body) noexcept {
    while (!ends(log, name, body) && !stop.stop_requested())
        ends(log, name, [&] { Limit(kAgainAfter, stop).pause(kAgainAfter); });
}

void go_first() noexcept {
    // On Linux the "process" is the one thread.
    static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice));
}

void run_thread_once(const Log& log, std::string_view name, const std::function<void()>& body) noexcept {
    ends(log, name, body);
}

}  // namespace pgedge
