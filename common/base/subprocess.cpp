#include "common/base/subprocess.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kMaxOutput = 64 << 10;
constexpr std::size_t kMaxLine = 8 << 10;

struct Pipe {
    Fd read, write;
};
Pipe make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(ErrorKind::failed, "cannot make a pipe: " + errno_text(errno));
    return {Fd(ends[0]), Fd(ends[1])};
}

std::string what_of(const Command& command) { return "running " + command.argv[0]; }

/// argv or the environment as exec wants it. Made before fork(): after it no memory may be taken.
std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (auto& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

std::vector<std::string> environment_of(const Command& command) {
    std::map<std::string, std::string> all;
    for (char** line = environ; *line; ++line)
        if (const auto equals = std::string_view(*line).find('='); equals != std::string_view::npos)
            all[std::string(*line, equals)] = *line + equals + 1;
    all["LC_ALL"] = "C";
    for (const auto& [name, value] : command.environment) all[name] = value;
    std::vector<std::string> lines;
    for (const auto& [name, value] : all) lines.push_back(name + "=" + value);
    return lines;
}

/// Runs in the child, between fork and exec: only calls that are safe there. Does not return.
[[noreturn]] void become(const Command& command, char** argv, char** env, int in, int out, int trouble, pid_t parent) {
    ::setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    const bool ready = ::dup2(in, STDIN_FILENO) >= 0 && ::dup2(out, STDOUT_FILENO) >= 0 &&
                       ::dup2(out, STDERR_FILENO) >= 0 &&
                       (!command.gid || (::setgroups(0, nullptr) == 0 && ::setgid(*command.gid) == 0)) &&
                       (!command.uid || ::setuid(*command.uid) == 0) &&
                       ::chdir(command.directory.empty() ? "/" : command.directory.c_str()) == 0;
    // Nobody waits for it when we are killed, and whoever comes after us starts it again: it must not work on
    // meanwhile.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // after setuid, which clears it
    if (::getppid() != parent) ::_exit(127);
    // Some libraries forget close-on-exec; what a child must not have, it shall not have.
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    if (ready) ::execvpe(argv[0], argv, env);
    const int why = errno;
    [[maybe_unused]] const auto told = ::write(trouble, &why, sizeof why);
    ::_exit(127);
}

/// A running child in its own process group; killed and reaped if it is still there at the end.
class Child {
public:
    Child(const Command& command, int in, int out) {
        auto words = command.argv;
        auto environment = environment_of(command);
        auto argv = pointers(words), env = pointers(environment);
        Pipe trouble = make_pipe();
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ < 0) throw Error(ErrorKind::failed, "cannot fork: " + errno_text(errno));
        if (pid_ == 0) become(command, argv.data(), env.data(), in, out, trouble.write.get(), parent);
        trouble.write.reset();
        int why = 0;
        if (::read(trouble.read.get(), &why, sizeof why) == sizeof why) {
            reap();
            throw Error(ErrorKind::failed, "cannot run " + command.argv.at(0) + ": " + errno_text(why));
        }
    }
    ~Child() {
        if (pid_ <= 0) return;
        ::kill(-pid_, SIGKILL);
        ::kill(pid_, SIGKILL);
        reap();
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// Its exit code. A program may close its output long before it ends, so the limit counts here too.
    int wait(const Limit& limit, std::string_view what) {
        constexpr int kLongestPause = 100;  // milliseconds; nearly always it has ended by the first look
        for (int pause = 1;; pause = std::min(2 * pause, kLongestPause)) {
            if (const auto code = reap(WNOHANG)) return *code;
            limit.check(what);
            ::poll(nullptr, 0, pause);
        }
    }

private:
    std::optional<int> reap(int flags = 0) {
        int status = 0;
        pid_t ended = 0;
        do ended = ::waitpid(pid_, &status, flags);
        while (ended < 0 && errno == EINTR);
        if (ended == 0) return std::nullopt;
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    pid_t pid_ = -1;
};

/// Collects what a child prints: the tail of it, and line by line for whoever listens.
class Output {
public:
    explicit Output(const std::function<void(std::string_view)>& on_line) : on_line_(on_line) {}
    void add(std::string_view part) {
        all_.append(part);
        if (all_.size() > 2 * kMaxOutput) all_.erase(0, all_.size() - kMaxOutput);
        if (!on_line_) return;
        line_.append(part);
        for (auto end = line_.find('\n'); end != std::string::npos; end = line_.find('\n')) {
            on_line_(std::string_view(line_).substr(0, end));
            line_.erase(0, end + 1);
        }
        if (line_.size() > kMaxLine) end();
    }
    void end() {
        if (on_line_ && !line_.empty()) on_line_(line_);
        line_.clear();
    }
    std::string take() {
        if (all_.size() > kMaxOutput) all_.erase(0, all_.size() - kMaxOutput);
        return std::move(all_);
    }

private:
    const std::function<void(std::string_view)>& on_line_;
    std::string all_, line_;
};

/// Feeds the input and reads the output until the child closed its end.
void converse(const Command& command, Fd input, const Fd& output, Output& seen, const Limit& limit) {
    ::fcntl(input.get(), F_SETFL, O_NONBLOCK);
    std::string_view left = command.input;
    if (left.empty()) input.reset();
    for (;;) {
        limit.check(what_of(command));
        pollfd ends[2] = {{output.get(), POLLIN, 0}, {input.get(), POLLOUT, 0}};
        // The stop token has no descriptor: look at it ten times a second while a program of ours runs.
        const auto wait = std::min(limit.left(), std::chrono::milliseconds(100));
        if (::poll(ends, input ? 2 : 1, static_cast<int>(wait.count())) < 0 && errno != EINTR) return;
        if (input && ends[1].revents) {
            const auto written = ::write(input.get(), left.data(), left.size());
            if (written > 0) left.remove_prefix(static_cast<std::size_t>(written));
            if (left.empty() || (written < 0 && errno != EAGAIN && errno != EINTR)) input.reset();
        }
        if (!ends[0].revents) continue;
        char part[8192];
        const auto size = ::read(output.get(), part, sizeof part);
        if (size > 0)
            seen.add({part, static_cast<std::size_t>(size)});
        else if (size == 0 || errno != EINTR)
            return;
    }
}

}  // namespace

CommandResult run(const Command& command, const Limit& limit, const std::function<void(std::string_view)>& on_line) {
    if (command.argv.empty()) throw Error(ErrorKind::internal, "a command without words");
    const auto cut_short = [](const std::string& word) { return word.find('\0') != std::string::npos; };
    if (std::any_of(command.argv.begin(), command.argv.end(), cut_short) ||
        std::any_of(command.environment.begin(), command.environment.end(),
                    [&](const auto& line) { return cut_short(line.first) || cut_short(line.second); }))
        throw Error(ErrorKind::invalid_input, "a NUL byte cannot be passed to " + command.argv[0]);
    Pipe input = make_pipe(), output = make_pipe();
    Child child(command, input.read.get(), output.write.get());
    input.read.reset();
    output.write.reset();
    Output seen(on_line);
    converse(command, std::move(input.write), output.read, seen, limit);
    seen.end();
    const int code = child.wait(limit, what_of(command));
    return {code, seen.take()};
}

std::string run_or_throw(const Command& command, const Limit& limit,
                         const std::function<void(std::string_view)>& on_line) {
    return output_or_throw(command.argv[0], run(command, limit, on_line));
}

std::string output_or_throw(const std::string& program, CommandResult result) {
    if (result.exit_code == 0) return std::move(result.output);
    constexpr std::size_t kTail = 2000;
    std::string_view tail = trimmed(result.output);
    if (tail.size() > kTail) tail.remove_prefix(tail.size() - kTail);
    const std::string output = tail.empty() ? "" : ": " + std::string(tail);
    constexpr int kSignal = 128;
    if (result.exit_code == kSignal + SIGKILL || result.exit_code == kSignal + SIGTERM)
        throw Error(ErrorKind::unreachable,
                    program + " was killed by signal " + std::to_string(result.exit_code - kSignal) + output);
    const bool child_killed = output.find("was terminated by signal 9:") != std::string::npos;
    throw Error(child_killed ? ErrorKind::unreachable : ErrorKind::failed,
                program + " ended with exit code " + std::to_string(result.exit_code) + output);
}

}  // namespace pgedge
