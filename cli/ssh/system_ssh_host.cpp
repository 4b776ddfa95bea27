#include "cli/ssh/system_ssh_host.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr int kSshFailed = 255;  // ssh(1), EXIT STATUS: an error of ssh's own
constexpr std::size_t kMostErrors = 16 << 10;

/// An ssh process; its standard error is a file in memory, so that it can never wait for us to read it.
class SshProcess final : public RemoteProgram {
public:
    SshProcess(std::vector<std::string> words, std::string host) : host_(std::move(host)) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            throw Error(ErrorKind::failed, "cannot make a socket pair: " + errno_text(errno));
        socket_ = Fd(ends[0]);
        const Fd inner(ends[1]);
        errors_ = Fd(::memfd_create("ssh-errors", MFD_CLOEXEC));
        if (!errors_) throw Error(ErrorKind::failed, "cannot make a file in memory: " + errno_text(errno));
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, inner.get(), STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, inner.get(), STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, errors_.get(), STDERR_FILENO);
        std::vector<char*> argv;
        for (auto& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        const int code = ::posix_spawnp(&pid_, "ssh", &actions, nullptr, argv.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        if (code != 0) throw Error(ErrorKind::failed, "cannot run ssh: " + errno_text(code));
    }
    ~SshProcess() override {
        socket_.reset();
        if (pid_ <= 0) return;
        ::kill(pid_, SIGTERM);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    SshProcess(const SshProcess&) = delete;
    SshProcess& operator=(const SshProcess&) = delete;

    int socket() const override { return socket_.get(); }
    Fd take_socket() override { return std::move(socket_); }

    RemoteEnd wait(const Limit& limit) override {
        constexpr std::chrono::milliseconds kLongestPause{50};
        for (std::chrono::milliseconds pause{1}; pid_ > 0; pause = std::min(2 * pause, kLongestPause)) {
            int status = 0;
            if (::waitpid(pid_, &status, WNOHANG) == pid_) {
                pid_ = -1;
                exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            } else if (!limit.pause(pause)) {
                limit.check("waiting for the end of ssh to " + host_);
            }
        }
        const std::string said = errors();
        if (exit_code_ != kSshFailed) return {exit_code_, said, ""};
        return {-1, said, said.empty() ? "ssh ended with an error" : said};
    }

private:
    std::string errors() const {
        std::string text(kMostErrors, '\0');
        const auto end = ::lseek(errors_.get(), 0, SEEK_END);
        const off_t from = std::max<off_t>(0, end - static_cast<off_t>(kMostErrors));
        const auto size = ::pread(errors_.get(), text.data(), text.size(), from);
        text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return std::string(trimmed(text));
    }

    const std::string host_;
    Fd socket_, errors_;
    pid_t pid_ = -1;
    int exit_code_ = 0;
};

class SystemSshHost final : public RemoteHost {
public:
    SystemSshHost(const SshAddress& address, const SshSettings& settings, bool may_ask)
        : name_(to_string(address)), user_(settings.user) {
        words_ = {"ssh",
                  "-T",
                  "-oClearAllForwardings=yes",
                  "-oConnectTimeout=10",
                  "-oServerAliveInterval=15",
                  "-oServerAliveCountMax=2",
                  may_ask ? "-oBatchMode=no" : "-oBatchMode=yes",
                  may_ask ? "-oStrictHostKeyChecking=ask" : "-oStrictHostKeyChecking=yes"};
        if (!settings.config.empty()) words_.insert(words_.end(), {"-F", settings.config.string()});
        if (!address.user.empty()) words_.insert(words_.end(), {"-l", address.user});
        if (address.port != 0) words_.insert(words_.end(), {"-p", std::to_string(address.port)});
        words_.insert(words_.end(), {"--", address.host});
    }
    std::unique_ptr<RemoteProgram> start(const std::string& command) override {
        auto words = words_;
        words.push_back(command);
        return std::make_unique<SshProcess>(std::move(words), name_);
    }
    std::string name() const override { return name_; }
    std::string user() const override { return user_; }
    bool is_alive() const override { return true; }

private:
    const std::string name_, user_;
    std::vector<std::string> words_;
};

}  // namespace

std::shared_ptr<RemoteHost> make_system_ssh_host(const SshAddress& address, const SshSettings& settings, bool may_ask) {
    return std::make_shared<SystemSshHost>(address, settings, may_ask);
}

}  // namespace pgedge
