#include "cli/ssh/ssh_transport.hpp"

#include <cerrno>
#include <mutex>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/net/http_client.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kLogInLimit = 30s;  // without what the user takes to answer
constexpr auto kDialLimit = 15s;
constexpr std::size_t kMaxNoise = 64 << 10;  // what shells print at a login that should print nothing
/// What dial-stdio prints when it is connected; see agent/dial_stdio.cpp.
constexpr std::string_view kGreeting = "pgedge-agent dial-stdio 1\n";
constexpr int kDenied = 5, kNotExecutable = 126, kNotFound = 127;

/// A dial-stdio that an HTTP connection uses.
struct Dialled {
    std::shared_ptr<RemoteHost> host;  // outlives its program
    std::shared_ptr<RemoteProgram> program;
};

class SshTransport final : public Transport {
public:
    SshTransport(const SshAddress& address, std::shared_ptr<SshHosts> hosts, std::shared_ptr<Prompt> prompt)
        : address_(address), hosts_(std::move(hosts)), prompt_(std::move(prompt)), http_(options()) {}

    HttpResponse send(const HttpRequest& request, const Limit& limit) override {
        return http_.send(request, logged_in(limit));
    }
    HttpResponse stream(const HttpRequest& request, const Limit& limit,
                        const std::function<bool(std::string_view)>& on_part) override {
        return http_.stream(request, logged_in(limit), on_part);
    }
    std::string endpoint() const override { return to_string(address_); }

private:
    HttpClientOptions options() {
        HttpClientOptions options;
        options.server.host = "localhost";
        options.server.port = 80;
        options.dial = {.endpoint = to_string(address_),
                        .connect = [this](const Limit& limit) { return dial(limit); },
                        .why_lost = [this] { return why_lost(); }};
        return options;
    }

    /// The call's limit begins when we are logged in: a passphrase is typed slowly.
    Limit logged_in(const Limit& limit) {
        const auto left = limit.left();
        limit.check("connecting to " + endpoint());
        auto host = hosts_->at(address_, *prompt_, Limit(kLogInLimit, limit.stop()));
        const std::lock_guard lock(mutex_);
        host_ = std::move(host);
        return {left, limit.stop()};
    }

    Fd dial(const Limit& limit) {
        std::shared_ptr<RemoteHost> host;
        bool sudo = false;
        {
            const std::lock_guard lock(mutex_);
            host = host_;
            sudo = sudo_;
        }
        const Limit soon = limit.no_longer_than(kDialLimit);
        if (!sudo)
            if (Fd socket = started(*host, "", soon)) return socket;
        // The agent's socket is not this user's: an agent that was installed runs as root.
        Fd socket = started(*host, "sudo -n ", soon);
        const std::lock_guard lock(mutex_);
        sudo_ = true;
        return socket;
    }

    /// A socket that leads to the agent. Empty: the user may not connect to it, and sudo may help.
    Fd started(RemoteHost& host, const std::string& sudo, const Limit& limit) {
        const std::string command = sudo + "pgedge-agent dial-stdio" +
                                    (address_.socket.empty() ? std::string() : " --socket '" + address_.socket + "'");
        std::shared_ptr<RemoteProgram> program = host.start(command);
        std::string noise;
        if (greeted(program->socket(), noise, limit)) {
            Fd socket = program->take_socket();
            const std::lock_guard lock(mutex_);
            if (programs_.size() >= HttpTransport::kKeptConnections) programs_.erase(programs_.begin());
            programs_.push_back({host_, std::move(program)});
            return socket;
        }
        const RemoteEnd end = program->wait(limit);
        if (end.exit_code == kDenied && sudo.empty() && host.user() != "root") return {};
        throw_refusal(host, sudo, end, noise);
    }

    /// False when the output ends first.
    bool greeted(int socket, std::string& seen, const Limit& limit) const {
        while (seen.find(kGreeting) == std::string::npos) {
            limit.check("starting pgedge-agent dial-stdio on " + endpoint());
            pollfd ready{socket, POLLIN, 0};
            const auto pause = std::min<std::chrono::milliseconds>(limit.left(), 100ms);
            if (::poll(&ready, 1, static_cast<int>(pause.count())) <= 0) continue;
            char byte = 0;  // one by one, so that nothing of the answers that follow is taken
            const auto size = ::recv(socket, &byte, 1, MSG_DONTWAIT);
            if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (size <= 0 || seen.size() >= kMaxNoise) return false;
            seen += byte;
        }
        return true;
    }

    [[noreturn]] void throw_refusal(const RemoteHost& host, const std::string& sudo, const RemoteEnd& end,
                                    const std::string& noise) const {
        std::string said(trimmed(end.errors.empty() ? noise : end.errors));
        if (end.exit_code < 0) throw lost(end.lost);
        if (said.find("sudo:") != std::string::npos && !sudo.empty())
            throw Error(ErrorKind::denied,
                        host.user() + " may not use the agent of " + endpoint() +
                            ", and sudo is refused: " + shortened(said, 300),
                        "log in as root, or let " + host.user() + " run it: echo '" + host.user() +
                            " ALL=(root) NOPASSWD: /usr/local/bin/pgedge-agent dial-stdio' in /etc/sudoers.d");
        if (end.exit_code == kNotFound || end.exit_code == kNotExecutable)
            throw Error(ErrorKind::not_found, "there is no pgedge-agent on " + endpoint() + ": " + shortened(said, 300),
                        "install it there: pgedgectl cluster bootstrap; it must be in the PATH of " + host.user());
        std::string hint;
        if (const auto at = said.find("\nhint: "); at != std::string::npos) {
            hint = said.substr(at + std::string_view("\nhint: ").size());
            said.resize(at);
        }
        constexpr std::string_view kError = "error: ";
        if (said.starts_with(kError)) said.erase(0, kError.size());
        throw Error(end.exit_code == kDenied ? ErrorKind::denied : ErrorKind::unreachable,
                    "cannot reach the agent of " + endpoint() + ": " + shortened(said, 500), hint);
    }

    Error lost(const std::string& why) const {
        const bool denied = why.find("Permission denied") != std::string::npos ||
                            why.find("Host key verification failed") != std::string::npos ||
                            why.find("HOST IDENTIFICATION HAS CHANGED") != std::string::npos;
        return {denied ? ErrorKind::denied : ErrorKind::unreachable, "cannot reach " + endpoint() + ": " + why,
                denied ? "try it by hand: ssh " + address_.host : "the connection was lost: try again"};
    }

    /// What ended the last connection to the agent, when that is known.
    std::string why_lost() {
        std::shared_ptr<RemoteProgram> program;
        {
            const std::lock_guard lock(mutex_);
            if (programs_.empty()) return "";
            program = programs_.back().program;
        }
        try {
            const RemoteEnd end = program->wait(Limit(1s));
            if (end.exit_code < 0) return "the SSH connection was lost: " + end.lost;
            return shortened(trimmed(end.errors), 300);
        } catch (const Error&) {
            return "";  // it runs: the failure is HTTP's own
        }
    }

    const SshAddress address_;
    const std::shared_ptr<SshHosts> hosts_;
    const std::shared_ptr<Prompt> prompt_;
    std::mutex mutex_;
    std::shared_ptr<RemoteHost> host_;  // guarded by mutex_
    std::vector<Dialled> programs_;     // guarded by mutex_; the newest is the last
    bool sudo_ = false;                 // guarded by mutex_
    HttpTransport http_;
};

}  // namespace

std::unique_ptr<Transport> make_ssh_transport(const SshAddress& address, std::shared_ptr<SshHosts> hosts,
                                              std::shared_ptr<Prompt> prompt) {
    return std::make_unique<SshTransport>(address, std::move(hosts), std::move(prompt));
}

}  // namespace pgedge
