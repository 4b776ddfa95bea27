#include "agent/runtime/supervised.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "agent/runtime/launcher.hpp"
#include "agent/runtime/stale_locks.hpp"
#include "agent/runtime/standby_signal.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kGuardAnswer = 2s;
constexpr auto kLeftoverPause = 10ms;
constexpr auto kLeftoverPatience = 10s;  ///< then the server shall say itself what is in its way
constexpr auto kPortPause = 1s;          ///< before the second try of a port that nobody listens on
constexpr std::string_view kPortInUse = "is in use by another program";

/// The postmaster's own word in postmaster.pid: line 1 its pid, line 8 "ready" when it accepts connections (pidfile.h).
bool says_ready(const InstancePaths& paths, pid_t pid) {
    constexpr std::size_t kStatusLine = 7;
    const auto text = read_foreign_file(paths.data() / "postmaster.pid");
    if (!text) return false;
    const auto lines = split(*text, '\n');
    return lines.size() > kStatusLine && lines[0] == std::to_string(pid) && trimmed(lines[kStatusLine]) == "ready";
}

/// Readable when something happens in a directory.
Fd watch_directory(const std::filesystem::path& path) {
    Fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (fd) ::inotify_add_watch(fd.get(), path.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO);
    return fd;
}

void drain(const Fd& fd) {
    char events[4096];
    while (fd && ::read(fd.get(), events, sizeof events) > 0) {
    }
}

/// "killed by signal 9", "ended with exit code 1".
std::string end_in_words(const std::optional<GuardState>& end) {
    if (!end || end->running) return "its guard was killed";
    const auto colon = end->end.find(':');
    const auto number = end->end.substr(colon == std::string::npos ? end->end.size() : colon + 1);
    if (end->end.starts_with("killed")) return "killed by signal " + number;
    return "ended with exit code " + number;
}

std::string deadline_words(const ServerDeadline& deadline, char between) {
    return fmt::format("{}{}{}", deadline.soft.count(), between, deadline.hard.count());
}

std::string_view word_of(StopMode mode) {
    switch (mode) {
        case StopMode::smart: return "smart";
        case StopMode::fast: return "fast";
        case StopMode::immediate: break;
    }
    return "immediate";
}

}  // namespace

ProcessRuntime::Supervised::Supervised(const ProcessRuntimeOptions& options, Log log, ServerRecord record, Tell tell)
    : options_(options),
      log_(std::move(log)),
      paths_(record.spec.paths),
      record_(std::move(record)),
      as_{record_.role, {}, record_.owner},
      tell_(std::move(tell)) {}

std::unique_lock<LimitedMutex> ProcessRuntime::Supervised::lock(const Limit& limit) {
    mutex_.lock(limit, "waiting for another operation on " + paths_.instance_id());
    return {mutex_, std::adopt_lock};
}

ServerState ProcessRuntime::Supervised::shown_state() const {
    const auto state = state_.load();
    if (state != ServerState::starting) return state;
    try {
        return ready() ? ServerState::running : state;
    } catch (const Error&) {
        return state;  // the server's user has made its file another kind of thing: wait_ready() tells
    }
}

void ProcessRuntime::Supervised::record(ServerRecord record) {
    save_record(record);
    const std::lock_guard lock(record_mutex_);
    record_ = std::move(record);
}

ServerRecord ProcessRuntime::Supervised::record() const {
    const std::lock_guard lock(record_mutex_);
    return record_;
}

std::string ProcessRuntime::Supervised::trouble() const {
    if (shown_state() != ServerState::crashed) return {};
    const std::lock_guard lock(record_mutex_);
    return trouble_;
}

void ProcessRuntime::Supervised::note_trouble(std::string text) {
    const std::lock_guard lock(record_mutex_);
    trouble_ = std::move(text);
}

StartAs ProcessRuntime::Supervised::started_as() const {
    const std::lock_guard lock(record_mutex_);
    return as_;
}

void ProcessRuntime::Supervised::forget() {
    erase_record(paths_);
    forgotten_ = true;
}

bool ProcessRuntime::Supervised::ready() const { return says_ready(paths_, pid_); }

bool ProcessRuntime::Supervised::adopt() {
    if (!find_guard()) return false;
    learn_role();
    return true;
}

bool ProcessRuntime::Supervised::find_guard() {
    watch_ = GuardWatch::open(paths_.guard_file(".guard"));
    if (!watch_) return false;
    started_ = std::chrono::steady_clock::now();
    state_ = ServerState::starting;
    try {
        pid_ = watch_->first(Limit(kGuardAnswer)).pid;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::timed_out) return true;  // frozen, but it is there
        watch_.reset();
        return false;
    }
    return true;
}

/// A guard of an earlier version, or one that is frozen, does not say what it was told: then it is what we noted.
void ProcessRuntime::Supervised::learn_role() {
    const auto said = watch_->look();
    const std::lock_guard lock(record_mutex_);
    const auto role = said ? server_role(said->role) : std::nullopt;
    as_ = {role.value_or(record_.role), {}, record_.owner};
    if (said && said->soft != 0)
        as_.deadline = {std::chrono::nanoseconds(said->soft), std::chrono::nanoseconds(said->hard)};
}

void ProcessRuntime::Supervised::start_guard(const StartAs& as, const Limit& limit) {
    const auto& spec = record_.spec;
    // A restart of the machine may have emptied run/.
    make_directory(options_.data_dir / "run", 0711);
    options_.user.make_directory(paths_.sockets(), 0700);
    server_log_.emplace(paths_);
    GuardCall call;
    call.options = {"--name", paths_.guard(), "--log", paths_.guard_file(".log")};
    if (options_.user.other) {
        call.options.push_back("--user");
        call.options.push_back(fmt::format("{}:{}", options_.user.uid, options_.user.gid));
    }
    call.options.push_back("--as");
    call.options.emplace_back(to_string(as.role));
    if (as.deadline) {
        call.options.push_back("--lease");
        call.options.push_back(deadline_words(*as.deadline, ':'));
    }
    // For libpq inside the server, which has to find its own socket and the cluster's certificates (docs/resources.md).
    const auto file = [&](const char* name) { return (paths_.certificates() / name).string(); };
    for (const auto& variable :
         {std::string("PATH=/usr/local/bin:/usr/bin:/bin"), std::string("LC_ALL=C.UTF-8"),
          "PGHOST=" + paths_.sockets().string(), fmt::format("PGPORT={}", spec.port), "PGSSLROOTCERT=" + file("ca.crt"),
          "PGSSLCERT=" + file("superuser.crt"), "PGSSLKEY=" + file("superuser.key")}) {
        call.options.push_back("--env");
        call.options.push_back(variable);
    }
    // PostgreSQL takes no process of this number for a server: what pg_ctl does for itself. Nothing is deleted, and its
    // own looks for a living server, by other numbers and by shared memory, go on.
    if (const auto stale = stale_lock_holder(paths_.data() / "postmaster.pid", paths_.data())) {
        call.options.push_back("--env");
        call.options.push_back(fmt::format("PG_GRANDPARENT_PID={}", *stale));
        log_.warn("postmaster.pid is of an earlier server: another process has its number now",
                  {{"instance", paths_.instance_id()}, {"pid", *stale}});
    }
    delete_stale_socket_locks(paths_.sockets(), paths_.data());
    call.server = {"postgres", "-D", paths_.data().string(), "--config_file=" + paths_.config_file().string()};
    started_ = std::chrono::steady_clock::now();
    options_.launcher->start_guard(spec, call, limit);
}

/// Ends with a guard that runs, ours or one that was there, or with one that ran and has ended, or throws.
void ProcessRuntime::Supervised::launch(const Limit& limit) {
    const Limit patience = limit.no_longer_than(kLeftoverPatience);
    will_start(started_as());
    while (!find_guard()) {
        limit.check("starting " + paths_.instance_id());
        if (!patience.over() && options_.launcher->clear_leftovers(record_.spec, limit) > 0) {
            limit.pause(kLeftoverPause);
            continue;
        }
        const auto as = started_as();
        try {
            start_guard(as, limit);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::conflict) throw;
            limit.pause(kLeftoverPause);
            continue;
        }
        // A server that dies at once may be gone before we see it: an end like others, that the next start waits for.
        if (find_guard())
            renew_deadline(as.deadline);
        else
            ended(last_words());
        return;
    }
    // Somebody else's, who gave it another role and deadline, or none.
    const auto wanted = started_as();
    learn_role();
    give_role(wanted);
    settled();
}

/// The deadline may have been moved since the guard was called with its first one.
void ProcessRuntime::Supervised::renew_deadline(const std::optional<ServerDeadline>& begun_with) {
    settled();
    if (const auto deadline = started_as().deadline; deadline != begun_with) set_deadline(deadline);
}

void ProcessRuntime::Supervised::wait_ready(const Limit& limit) {
    const Fd changes = watch_directory(paths_.data());
    for (;;) {
        if (ready()) {
            state_ = ServerState::running;
            return;
        }
        if (notice_end()) report_failed_start();
        if (limit.over()) {
            const auto tail = server_log_ ? server_log_->tail() : "";
            within(fmt::format("waiting for {} to accept connections; its log says:\n{}", paths_.instance_id(), tail),
                   [&] { limit.check("starting a server"); });
        }
        wait_readable(watch_->fd(), changes.get());
        drain(changes);
    }
}

void ProcessRuntime::Supervised::report_failed_start() {
    const auto& spec = record_.spec;
    const auto tail = server_log_ ? server_log_->tail() : "";
    if (tail.find("Address already in use") != std::string::npos)
        throw Error(ErrorKind::failed, fmt::format("port {} of {} {}:\n{}", spec.port, spec.address, kPortInUse, tail),
                    "end that program, or give the node another port");
    if (was_ended_by_others(tail))
        throw Error(ErrorKind::unreachable,
                    fmt::format("PostgreSQL on {}:{} was ended while it started ({}). Its last log lines:\n{}",
                                spec.address, spec.port, end_in_words(end_), tail.empty() ? "(none)" : tail));
    throw Error(ErrorKind::failed, fmt::format("PostgreSQL does not start on {}:{}. Its last log lines:\n{}",
                                               spec.address, spec.port, tail.empty() ? "(none)" : tail));
}

/// By an operator, or by a kernel short of memory: it may start the next time.
bool ProcessRuntime::Supervised::was_ended_by_others(const std::string& log_tail) const {
    constexpr std::array<std::string_view, 6> kFromOutside{"killed:9", "killed:15", "killed:2",
                                                           "killed:3", "killed:1",  "exited:0"};
    if (!end_ || end_->running) return true;  // its guard was killed
    if (std::find(kFromOutside.begin(), kFromOutside.end(), end_->end) != kFromOutside.end()) return true;
    // The server gives up when one of its own processes is killed meanwhile.
    return log_tail.find("was terminated by signal 9:") != std::string::npos;
}

/// Changes nothing.
void ProcessRuntime::Supervised::check_role(const StartAs& as, const Limit& limit) {
    const bool standby = as.role == ServerRole::standby, was = has_standby_signal(paths_.data());
    if (standby == was) return;
    if (standby) return check_can_be_standby(paths_);
    if (watch_ || adopt())
        throw Error(ErrorKind::conflict,
                    fmt::format("{} runs as a standby: it has to be promoted", paths_.instance_id()));
    check_is_no_standby(paths_, record_.spec.bin_dir, *options_.launcher, limit);
}

void ProcessRuntime::Supervised::become(const ServerSpec& spec, const StartAs& as, How how, const Limit& limit) {
    try {
        check_role(as, limit);
    } catch (const Error& error) {
        if (!watch_ && record_.up) {
            state_ = ServerState::crashed;
            note_trouble(error.text());
        }
        throw;
    }
    const bool standby = as.role == ServerRole::standby, marked = has_standby_signal(paths_.data());
    const bool goes_on = how == How::as_it_is && record_.spec == spec && standby == marked;
    if (!goes_on) {
        will_start(as);
        bring_down(StopMode::fast, limit);
    }
    // Before a guard hears of it: after a crash in between, its owner is the one who gives it a deadline, or takes one.
    if (const ServerRecord wanted{spec, true, as.role, as.owner}; !(record_ == wanted)) record(wanted);
    if (standby && !marked)
        make_standby(paths_.data(), options_.user, limit);
    else if (!standby && marked)
        unmake_standby(paths_, spec.bin_dir, options_.user, *options_.launcher, limit);
    else if (watch_)
        give_role(as);
    else if (goes_on)
        will_start(as);
}

void ProcessRuntime::Supervised::will_start(const StartAs& as) {
    const std::lock_guard lock(record_mutex_);
    as_ = as;
    starting_ = true;
}

void ProcessRuntime::Supervised::settled() {
    const std::lock_guard lock(record_mutex_);
    starting_ = false;
}

/// Of the guard that is there.
void ProcessRuntime::Supervised::give_role(const StartAs& as) {
    const auto before = started_as();
    std::string answer = "ok";
    // Without a deadline there is nothing that only the guard knows.
    if (as.deadline || before.deadline || before.role != as.role) {
        const auto ask = [&](const std::string& line) {
            return ask_guard(paths_.guard_file(".guard"), line, Limit(kGuardAnswer));
        };
        try {
            answer = ask(fmt::format("as {}{}", to_string(as.role),
                                     as.deadline ? " " + deadline_words(*as.deadline, ' ') : std::string()));
            if (answer.starts_with("error unknown"))  // a guard of an earlier version
                answer = ask("lease " + (as.deadline ? deadline_words(*as.deadline, ' ') : std::string("none")));
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::unreachable) throw;  // gone by itself: whoever waits for the server tells
        }
    }
    if (answer == "late")
        throw Error(ErrorKind::conflict, fmt::format("the deadline of {} has passed", paths_.instance_id()));
    if (answer != "ok")
        throw Error(ErrorKind::failed, fmt::format("the guard of {} says: {}", paths_.instance_id(), answer));
    const std::lock_guard lock(record_mutex_);
    as_ = as;
}

void ProcessRuntime::Supervised::launch_unless_up(const Limit& limit) {
    if (watch_) return;
    try {
        launch(limit);
    } catch (const Error& error) {
        state_ = ServerState::crashed;
        note_trouble(error.text());
        throw;
    }
}

bool ProcessRuntime::Supervised::set_deadline(const std::optional<ServerDeadline>& deadline) {
    bool starting;
    {
        const std::lock_guard lock(record_mutex_);
        if (!deadline && as_.role == ServerRole::primary) return false;
        starting = starting_;
        if (starting) as_.deadline = deadline;  // the guard that hears us now may be on its way out
    }
    const auto line = "lease " + (deadline ? deadline_words(*deadline, ' ') : std::string("none"));
    try {
        if (ask_guard(paths_.guard_file(".guard"), line, Limit(kGuardAnswer)) != "ok") return starting;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unreachable && error.kind() != ErrorKind::timed_out) throw;
        return starting;
    }
    const std::lock_guard lock(record_mutex_);
    as_.deadline = deadline;
    return true;
}

void ProcessRuntime::Supervised::bring_up(const Limit& limit) {
    for (int tries = 1;; ++tries) {
        const bool ours = !watch_;
        try {
            if (ours) launch(limit);
            wait_ready(limit);
            return;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::failed) throw;
            // What was on its way up before us may have had older files. A client's connection in TIME_WAIT can hold a
            // port for a moment. Anything else is told at once.
            const bool port = std::string_view(error.what()).find(kPortInUse) != std::string_view::npos;
            if (tries == 1 && !ours) continue;
            if (tries == 1 && port && limit.pause(kPortPause)) continue;
            throw;
        }
    }
}

void ProcessRuntime::Supervised::bring_down(StopMode mode, const Limit& limit) {
    if (!watch_ && !find_guard()) {
        state_ = ServerState::stopped;
        return;
    }
    const auto what = fmt::format("stopping {}", paths_.instance_id());
    try {
        within(what, [&] { ask_guard(paths_.guard_file(".guard"), "stop " + std::string(word_of(mode)), limit); });
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unreachable) throw;  // it is on its way out by itself
    }
    if (!watch_->wait_gone(limit)) limit.check(what);
    notice_end();
    state_ = ServerState::stopped;
}

void ProcessRuntime::Supervised::reload() {
    // Until the guard has told of its end, its child keeps the number.
    if (!notice_end() && pid_ > 0) ::kill(pid_, SIGHUP);
}

bool ProcessRuntime::Supervised::notice_end() {
    if (!watch_) return true;
    if (const auto& said = watch_->look()) pid_ = said->pid;  // a guard that adopt() did not wait for tells it late
    if (!watch_->gone()) return false;
    ended(watch_->look());
    return true;
}

/// What a guard left that ended before it was heard; it begins with deleting that of the guard before it.
std::optional<GuardState> ProcessRuntime::Supervised::last_words() const {
    const auto text = read_file_if_there(paths_.guard_file(".last"));
    return text ? parse_guard_state(trimmed(*text)) : std::nullopt;
}

void ProcessRuntime::Supervised::ended(std::optional<GuardState> last) {
    watch_.reset();
    pid_ = 0;
    end_ = last;
    state_ = record_.up ? ServerState::crashed : ServerState::stopped;
    // Of a server that was killed the log has no reason: its last FATAL is about a client.
    const bool gave_up = last && last->end.starts_with("exited");
    const auto why = gave_up && server_log_ ? reason_to_give_up(server_log_->tail()) : std::string();
    note_trouble(end_in_words(last) + (why.empty() ? "" : ": " + why));
    log_.info("server ended", {{"instance", paths_.instance_id()},
                               {"end", !last           ? "unseen"
                                       : last->running ? "guard killed"
                                                       : last->end},
                               {"cause", last ? last->cause : "none"}});
    tell_({paths_.instance_id(), last ? last->cause : "none", std::chrono::steady_clock::now() - started_});
}

}  // namespace pgedge
