// pgedge-guard: a small process between the agent and one PostgreSQL server.
//
// It starts the server as its child, outlives the agent, tells how the server ended, and is the one place that enforces
// a lease: when the deadline given by the agent passes, the server goes, whatever has become of the agent, the store or
// the network.
//
//   pgedge-guard --name PATH [--as single|primary|standby] [--lease SOFT:HARD] [--daemon] [--user UID:GID] [--log FILE]
//                [--env NAME=VALUE]... -- PROGRAM ARG...
//
// --lease sets the deadlines with which the server begins. A primary is not started without one that lies ahead, and
// keeps one: it is the instance of a node that others can take the place of.
//
// PATH.guard is its socket, PATH.lock is held while it lives, PATH.last gets the line of `state` when the server has
// ended. The socket takes one line and answers one line:
//   lease SOFT HARD   deadlines in nanoseconds of CLOCK_BOOTTIME: fast shutdown at SOFT, SIGKILL to all at HARD;
//                     refused ("late") when SOFT lies behind, and for ever once a deadline has been acted upon
//   lease none        no deadline (a standby, an instance alone in its node); "error …" for a primary
//   as ROLE [SOFT HARD]
//                     the server is this from now on: it was promoted, others came to its node or left it; and this
//                     deadline, or none. Answered as `lease` is; nothing changes unless the answer is "ok"
//   stop smart|fast|immediate
//   state             answers, on one line, how the server is:
//                     pid=N state=running|exited:CODE|killed:SIGNAL cause=none|asked|signal|deadline
//                     soft=NS hard=NS left=N as=single|primary|standby
//   watch             answers as `state`, stays open, and answers again when the server and all it forked are gone
//
// What it does not understand is answered by "error …". Only the guard's own user and root are heard.
//
// What keeps it honest:
//   - deadlines are timers on CLOCK_BOOTTIME: time asleep (SIGSTOP, a paused machine, suspend) counts
//   - the server has PR_SET_PDEATHSIG = SIGQUIT: if the guard is killed, the server stops too (immediate shutdown)
//   - the guard is subreaper: orphaned backends become its children, so "gone" means all of them
//   - memory is locked where allowed: no page fault stands between the deadline and the kill
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/guard/family.hpp"
#include "agent/guard/options.hpp"

namespace {

constexpr int kMaxClients = 16;
constexpr int kMaxLine = 128;
constexpr std::int64_t kLoggerGrace = 300'000'000;  ///< nanoseconds for the log collector to write what it has
constexpr const char *kUnknown = "error unknown command\n", *kNeedsDeadline = "error a primary needs a deadline\n";
constexpr int kExitFenced = 75, kExitUsage = 64, kExitFailed = 70, kExitBusy = 73;

int trouble = STDERR_FILENO;  ///< whoever started us reads this until the server is started

[[noreturn]] void fail(const char* what, const char* where = "") {
    dprintf(trouble, "pgedge-guard: %s %s: %s\n", what, where, strerror(errno));
    _exit(kExitFailed);
}

std::int64_t boottime_ns() {
    timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

Family family;

struct Client {
    int fd = -1;
    bool watching = false;
    int size = 0;
    char line[kMaxLine];
};

class Guard {
public:
    explicit Guard(const Options& options) : options_(options) {
        path(lock_path_, ".lock");
        path(socket_path_, ".guard");
        path(last_path_, ".last");
    }

    /// Takes the lock, opens the socket and starts the server.
    void begin() {
        lock_ = open(lock_path_, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (lock_ < 0) fail("cannot open", lock_path_);
        if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
            dprintf(trouble, "pgedge-guard: another guard holds %s\n", lock_path_);
            _exit(kExitBusy);
        }
        if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail("cannot become subreaper");
        sigset_t mask;
        sigemptyset(&mask);
        for (const int signal_number : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&mask, signal_number);
        sigprocmask(SIG_BLOCK, &mask, nullptr);
        signal(SIGPIPE, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        signals_ = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        timer_ = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        poll_ = epoll_create1(EPOLL_CLOEXEC);
        if (signals_ < 0 || timer_ < 0 || poll_ < 0) fail("cannot make descriptors");
        open_socket();
        unlink(last_path_);
        for (const int fd : {signals_, timer_, listen_}) hear(fd);
        role_ = options_.role;
        if ((is_primary() && options_.soft == 0) || (options_.soft != 0 && !lease(options_.soft, options_.hard))) {
            dprintf(trouble, "pgedge-guard: %s\n",
                    options_.soft == 0 ? "a primary needs a deadline" : "the deadline lies behind");
            unlink(socket_path_);
            _exit(kExitFenced);
        }
        start_server();
        lock_memory();
    }

    int run() {
        while (!gone()) {
            epoll_event events[8];
            const int count = epoll_wait(poll_, events, 8, -1);
            check_deadlines();  // first thing after any wake-up, before anything else is answered
            for (int i = 0; i < count; ++i) {
                const int fd = events[i].data.fd;
                if (fd == signals_)
                    take_signals();
                else if (fd == listen_)
                    admit();
                else if (fd != timer_)
                    serve(fd);
            }
        }
        write_last();
        for (auto& client : clients_)
            if (client.fd >= 0 && client.watching) reply_state(client);
        unlink(socket_path_);
        if (fenced_) return kExitFenced;
        return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
    }

private:
    void path(char (&out)[sizeof(sockaddr_un::sun_path)], const char* ending) {
        if (snprintf(out, sizeof out, "%s%s", options_.name, ending) < static_cast<int>(sizeof out)) return;
        dprintf(trouble, "pgedge-guard: path too long: %s%s\n", options_.name, ending);
        _exit(kExitUsage);
    }

    void hear(int fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        if (epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("cannot poll");
    }

    void open_socket() {
        listen_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        memcpy(address.sun_path, socket_path_, sizeof address.sun_path);
        unlink(socket_path_);  // of a guard that was killed: the lock is ours
        umask(0077);
        if (bind(listen_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listen_, 8) != 0)
            fail("cannot listen on", socket_path_);
    }

    void start_server() {
        const pid_t guard = getpid();
        server_ = fork();
        if (server_ < 0) fail("cannot fork");
        if (server_ > 0) return;
        trouble = STDERR_FILENO;  // the log: by now the one who started us may be gone
        if (options_.other_user &&
            (setgroups(1, &options_.gid) != 0 || setgid(options_.gid) != 0 || setuid(options_.uid) != 0))
            fail("cannot change the user");
        prctl(PR_SET_PDEATHSIG, SIGQUIT);            // after setuid, which clears it
        if (getppid() != guard) _exit(kExitFailed);  // the guard died in between
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
        signal(SIGPIPE, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        setpgid(0, 0);
        close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
        execve(options_.command[0], options_.command, const_cast<char**>(options_.environment));
        fail("cannot run", options_.command[0]);
    }

    /// Best effort: needs root or RLIMIT_MEMLOCK. Not with a limit that a later allocation could hit.
    static void lock_memory() {
        rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
        if (geteuid() == 0) setrlimit(RLIMIT_MEMLOCK, &limit);
        mlockall(MCL_CURRENT);
    }

    void take_signals() {
        signalfd_siginfo info[16];
        const ssize_t got = read(signals_, info, sizeof info);
        for (ssize_t i = 0; i * static_cast<ssize_t>(sizeof info[0]) < got; ++i)
            if (info[i].ssi_signo != SIGCHLD) stop(SIGINT, "signal");  // the machine or the container goes down
        int status;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            if (pid == server_) {
                server_ended_ = true;
                status_ = status;
                if (!fenced_) logger_until_ = boottime_ns() + kLoggerGrace;
            }
        if (server_ended_) clear_orphans();
    }

    void stop(int signal_number, const char* cause) {
        if (server_ended_) return;
        if (strcmp(cause_, "none") == 0) cause_ = cause;
        kill(server_, signal_number);
    }

    /// A backend deep in a query outlives its postmaster and blocks the next start. The log collector is no danger, has
    /// the server's last words, and ends by itself when the others are gone: it gets a moment.
    void clear_orphans() {
        if (logger_until_ != 0 && boottime_ns() >= logger_until_) logger_until_ = 0;
        kill_all(logger_until_ != 0);
        arm();
    }

    /// Like a crash of the machine: WAL makes it safe, and nothing can acknowledge any more.
    static void kill_all(bool spare_logger = false) {
        for (int round = 0; round < 2; ++round) {  // the second one: those forked meanwhile
            family.look();
            family.kill_all(spare_logger);
        }
    }

    /// True when the server and every process it left behind are gone.
    bool gone() {
        if (!server_ended_) return false;
        family.look();
        return family.size() == 0;
    }

    void check_deadlines() {
        const std::int64_t now = boottime_ns();
        if (soft_ != 0 && !softened_ && now >= soft_) {
            softened_ = fenced_ = true;
            stop(SIGINT, "deadline");
        }
        if (hard_ != 0 && now >= hard_) {
            fenced_ = true;
            if (!server_ended_ && strcmp(cause_, "none") == 0) cause_ = "deadline";
            hard_ = logger_until_ = 0;
            kill_all();
        }
        if (logger_until_ != 0 && now >= logger_until_) clear_orphans();
        arm();
    }

    /// The timer rings at the next deadline that has not been acted upon. Setting it also clears an old ring.
    void arm() {
        std::int64_t next = soft_ != 0 && !softened_ ? soft_ : hard_;
        if (logger_until_ != 0 && (next == 0 || logger_until_ < next)) next = logger_until_;
        itimerspec when{};
        when.it_value.tv_sec = next / 1'000'000'000LL;
        when.it_value.tv_nsec = next % 1'000'000'000LL;
        timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
    }

    void admit() {
        const int fd = accept4(listen_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) return;
        ucred peer{};
        socklen_t size = sizeof peer;
        const bool known =
            getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid());
        Client* place = known ? free_place() : nullptr;
        if (!place) {
            close(fd);
            return;
        }
        *place = Client{};
        place->fd = fd;
        hear(fd);
    }

    /// A place for a new client; the oldest that has said nothing makes room, watchers stay.
    Client* free_place() {
        for (auto& client : clients_)
            if (client.fd < 0) return &client;
        for (auto& client : clients_)
            if (!client.watching) {
                close(client.fd);
                return &client;
            }
        return nullptr;
    }

    void serve(int fd) {
        Client* client = nullptr;
        for (auto& each : clients_)
            if (each.fd == fd) client = &each;
        if (!client) return;
        const ssize_t got = read(fd, client->line + client->size, sizeof client->line - 1 - client->size);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got > 0) client->size += static_cast<int>(got);
        client->line[client->size] = 0;
        char* end = strchr(client->line, '\n');
        if (got > 0 && !end && client->size < kMaxLine - 1) return;
        if (got <= 0 || !end || client->watching) return drop(*client);
        *end = 0;
        answer(*client);
        if (!client->watching) drop(*client);
    }

    static void drop(Client& client) {
        close(client.fd);
        client.fd = -1;
    }

    static void say(const Client& client, const char* text) {
        [[maybe_unused]] const ssize_t sent = send(client.fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
    }

    void answer(Client& client) {
        const char* line = client.line;
        long long soft = 0, hard = 0;
        char rest = 0;
        if (strcmp(line, "state") == 0)
            reply_state(client);
        else if (strcmp(line, "watch") == 0) {
            client.watching = true;
            reply_state(client);
        } else if (strcmp(line, "stop smart") == 0)
            ask(client, SIGTERM);
        else if (strcmp(line, "stop fast") == 0)
            ask(client, SIGINT);
        else if (strcmp(line, "stop immediate") == 0)
            ask(client, SIGQUIT);
        else if (strncmp(line, "as ", 3) == 0)
            take_role(client, line + 3);
        else if (strcmp(line, "lease none") == 0 && is_primary())
            say(client, kNeedsDeadline);
        else if (strcmp(line, "lease none") == 0)
            say(client, lease(0, 0) ? "ok\n" : "late\n");
        else if (sscanf(line, "lease %lld %lld%c", &soft, &hard, &rest) == 2 && soft > 0 && soft <= hard)
            say(client, lease(soft, hard) ? "ok\n" : "late\n");
        else
            say(client, kUnknown);
    }

    /// ROLE [SOFT HARD]
    void take_role(const Client& client, const char* words) {
        char word[16] = {}, rest = 0;
        long long soft = 0, hard = 0;
        const int got = sscanf(words, "%15s %lld %lld%c", word, &soft, &hard, &rest);
        const char* role = role_of(word);
        if (!role || (got != 1 && got != 3) || (got == 3 && (soft <= 0 || soft > hard))) return say(client, kUnknown);
        if (got == 1 && strcmp(role, "primary") == 0) return say(client, kNeedsDeadline);
        if (!lease(soft, hard)) return say(client, "late\n");
        role_ = role;
        say(client, "ok\n");
    }

    bool is_primary() const { return strcmp(role_, "primary") == 0; }

    void ask(const Client& client, int signal_number) {
        stop(signal_number, "asked");
        say(client, "ok\n");
    }

    bool lease(std::int64_t soft, std::int64_t hard) {
        if (fenced_ || (hard != 0 && soft <= boottime_ns())) return false;
        soft_ = soft;
        hard_ = hard;
        arm();
        // Halves the delay of the kill on a busy machine, where allowed; what we fork must not inherit it.
        const sched_param priority{10};
        if (hard != 0) sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &priority);
        return true;
    }

    int state_line(char* out, std::size_t size) {
        family.look();
        char state[32] = "running";
        if (server_ended_ && WIFEXITED(status_))
            snprintf(state, sizeof state, "exited:%d", WEXITSTATUS(status_));
        else if (server_ended_)
            snprintf(state, sizeof state, "killed:%d", WTERMSIG(status_));
        return snprintf(out, size, "pid=%d state=%s cause=%s soft=%lld hard=%lld left=%d as=%s\n", server_, state,
                        cause_, static_cast<long long>(soft_), static_cast<long long>(hard_), family.size(), role_);
    }

    void reply_state(const Client& client) {
        char line[256];
        state_line(line, sizeof line);
        say(client, line);
    }

    /// For whoever comes when we are gone.
    void write_last() {
        char line[256], fresh[sizeof last_path_ + 8];
        const int size = state_line(line, sizeof line);
        snprintf(fresh, sizeof fresh, "%s.new", last_path_);
        unlink(fresh);
        const int file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (file < 0) return;
        if (write(file, line, static_cast<std::size_t>(size)) == size) rename(fresh, last_path_);
        close(file);
    }

    const Options& options_;
    char lock_path_[sizeof(sockaddr_un::sun_path)], socket_path_[sizeof(sockaddr_un::sun_path)],
        last_path_[sizeof(sockaddr_un::sun_path)];
    int lock_ = -1, signals_ = -1, timer_ = -1, poll_ = -1, listen_ = -1, status_ = 0;
    pid_t server_ = -1;
    std::int64_t soft_ = 0, hard_ = 0, logger_until_ = 0;  ///< nanoseconds of CLOCK_BOOTTIME; 0: none
    bool server_ended_ = false, softened_ = false;
    bool fenced_ = false;  ///< a deadline was acted upon: final
    const char *cause_ = "none", *role_ = "single";
    Client clients_[kMaxClients];
};

/// Standard input from nowhere; output and errors, also the server's own first lines, into the log.
void redirect(const Options& options) {
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0) fail("cannot open", "/dev/null");
    int log = nothing;
    if (options.log) log = open(options.log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (log < 0) fail("cannot open", options.log);
    dup2(nothing, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    if (log != nothing) close(log);
    close(nothing);
}

/// Runs in a session of our own. The one who called hears on its standard error why we did not start, or leaves when
/// the server is started.
int run_as_daemon(const Options& options, Guard& guard) {
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) != 0) fail("cannot make a pipe");
    const pid_t child = fork();
    if (child < 0) fail("cannot fork");
    if (child == 0) {
        close(ready[0]);
        setsid();
        if (chdir("/") != 0) fail("cannot leave the directory");
        trouble = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        redirect(options);
        guard.begin();
        [[maybe_unused]] const ssize_t told = write(ready[1], "", 1);
        close(ready[1]);
        close(trouble);
        trouble = STDERR_FILENO;
        return guard.run();
    }
    close(ready[1]);
    char up;
    if (read(ready[0], &up, 1) == 1) return 0;
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : kExitFailed;
}

}  // namespace

int main(int argc, char** argv) {
    static Options options;
    if (!parse(argc, argv, options)) {
        fputs(kUsage, stderr);
        return kExitUsage;
    }
    close_range(3, ~0U, 0);  // what others forgot to close must not live as long as the server
    static Guard guard(options);
    if (options.daemon) return run_as_daemon(options, guard);
    if (options.log) redirect(options);
    guard.begin();
    return guard.run();
}
