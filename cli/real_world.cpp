#include "cli/real_world.hpp"

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <thread>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "cli/ssh/ssh_transport.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {
namespace {

/// The terminal as it was before its echo was turned off, for whoever ends the program without unwinding.
class RealEchoOff final : public EchoOff {
public:
    RealEchoOff() {
        const std::lock_guard lock(mutex_);
        termios now{};
        if (is_off_ || !in_foreground() || ::tcgetattr(STDIN_FILENO, &now) != 0) return;
        before_ = now;
        now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        is_off_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &now) == 0;
    }
    ~RealEchoOff() override { turn_on(); }
    static void turn_on() {
        const std::lock_guard lock(mutex_);
        if (std::exchange(is_off_, false) && in_foreground()) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }

private:
    /// A program in the background would be stopped when it changes the terminal.
    static bool in_foreground() { return ::tcgetpgrp(STDIN_FILENO) == ::getpgrp(); }

    inline static std::mutex mutex_;
    inline static termios before_{};     // guarded by mutex_
    inline static bool is_off_ = false;  // guarded by mutex_
};

sigset_t watched_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

/// A thread waits for the signals, which are blocked meanwhile: so nothing runs inside a signal handler.
class RealInterrupts final : public Interrupts {
public:
    RealInterrupts() : set_(watched_signals()), end_(::eventfd(0, EFD_CLOEXEC)) {
        ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
        signals_ = Fd(::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK));
        if (!end_ || !signals_) throw Error(ErrorKind::failed, "cannot watch for signals: " + errno_text(errno));
        watcher_ = std::jthread([this] { run_thread_once(Log::none(), "signals", [&] { watch(); }); });
    }
    ~RealInterrupts() override {
        ::eventfd_write(end_.get(), 1);
        watcher_.join();
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    std::stop_token token() const override { return source_.get_token(); }
    int signal() const override { return signal_; }

private:
    void watch() {
        for (;;) {
            pollfd both[2] = {{signals_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}};
            if (::poll(both, 2, -1) < 0 && errno != EINTR) return;
            if (both[1].revents) return;
            signalfd_siginfo came{};
            if (::read(signals_.get(), &came, sizeof came) != sizeof came) continue;
            const int signal = static_cast<int>(came.ssi_signo);
            if (signal_ != 0) {
                RealEchoOff::turn_on();
                ::_exit(128 + signal);
            }
            signal_ = signal;
            source_.request_stop();
        }
    }

    sigset_t set_, before_{};
    Fd end_, signals_;
    std::atomic<int> signal_{0};
    std::stop_source source_;
    std::jthread watcher_;  // last: it uses all of the above
};

class RealWorld final : public World {
public:
    std::istream& in() override { return std::cin; }
    std::ostream& out() override { return std::cout; }
    std::ostream& err() override { return std::cerr; }

    TerminalFacts terminal() const override {
        TerminalFacts facts{::isatty(STDIN_FILENO) == 1, ::isatty(STDOUT_FILENO) == 1, ::isatty(STDERR_FILENO) == 1};
        winsize size{};
        const int stream = facts.out ? STDOUT_FILENO : STDERR_FILENO;
        if ((facts.out || facts.err) && ::ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
            facts.columns = size.ws_col;
            facts.rows = size.ws_row;
        }
        if (const auto columns = environment("COLUMNS"))
            if (const int wanted = std::atoi(columns->c_str()); wanted >= 20 && wanted <= 10'000)
                facts.columns = wanted;
        return facts;
    }

    std::optional<std::string> environment(const std::string& name) const override {
        const char* value = std::getenv(name.c_str());
        return value ? std::optional<std::string>(value) : std::nullopt;
    }
    const Clock& clock() const override { return clock_; }
    std::unique_ptr<Transport> connect(const std::string& endpoint, const Target& target,
                                       const std::shared_ptr<Prompt>& prompt) override {
        if (is_ssh_endpoint(endpoint)) return make_ssh_transport(parse_ssh_address(endpoint), hosts_, prompt);
        return pgedge::connect(endpoint, target);
    }
    std::shared_ptr<RemoteHost> log_in(const SshAddress& address, Prompt& prompt, const Limit& limit) override {
        return hosts_->at(address, prompt, limit);
    }
    std::unique_ptr<Interrupts> watch_interrupts() override { return std::make_unique<RealInterrupts>(); }
    std::unique_ptr<EchoOff> turn_off_echo() override { return std::make_unique<RealEchoOff>(); }

    int become(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment) override {
        std::cout.flush();
        for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
        std::vector<char*> words;
        for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));  // execvp does not write there
        words.push_back(nullptr);
        ::execvp(words[0], words.data());
        throw Error(ErrorKind::failed, "cannot run " + argv[0] + ": " + errno_text(errno));
    }

private:
    SshEnvironment ssh_environment() const {
        const passwd* self = ::getpwuid(::geteuid());
        SshEnvironment known;
        known.home = environment("HOME").value_or(self ? self->pw_dir : "/");
        known.user = self ? self->pw_name : environment("USER").value_or("");
        known.agent = environment("SSH_AUTH_SOCK").value_or("");
        known.config = environment("PGEDGECTL_SSH_CONFIG").value_or("");
        return known;
    }

    SystemClock clock_;
    const std::shared_ptr<SshHosts> hosts_ = std::make_shared<SshHosts>(ssh_environment());
};

}  // namespace

std::unique_ptr<World> make_real_world() { return std::make_unique<RealWorld>(); }

}  // namespace pgedge
