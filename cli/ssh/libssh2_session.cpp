#include "cli/ssh/libssh2_session.hpp"

#include <algorithm>
#include <cerrno>

#include <libssh2.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "cli/ssh/private_key.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/net/url.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr int kRsaSince = 0x010b00;
constexpr std::chrono::milliseconds kLookAtStop{100};  // a stop token has no descriptor
constexpr auto kConnectLimit = 10s;
constexpr unsigned kUnansweredMs = 30'000;
constexpr int kKeepaliveSeconds = 15;
constexpr int kPassphraseTries = 3;

/// Waits until the socket is ready for one of `events`.
void wait_for(int socket, short events, const Limit& limit, const std::string& doing) {
    limit.check(doing);
    pollfd ready{socket, events, 0};
    if (::poll(&ready, 1, static_cast<int>(std::min(limit.left(), kLookAtStop).count())) < 0 && errno != EINTR)
        throw Error(ErrorKind::failed, "cannot wait while " + doing + ": " + errno_text(errno));
}

/// Repeats a call of libssh2 until it is done.
template <class Call>
int finish(LIBSSH2_SESSION* session, int socket, const Limit& limit, const std::string& doing, const Call& call) {
    for (;;) {
        const int code = call();
        if (code != LIBSSH2_ERROR_EAGAIN) return code;
        const int directions = ::libssh2_session_block_directions(session);
        const bool out = directions & LIBSSH2_SESSION_BLOCK_OUTBOUND;
        wait_for(socket, static_cast<short>(POLLIN | (out ? POLLOUT : 0)), limit, doing);
    }
}

Fd connected_to(const addrinfo& address, const Limit& limit, int& why) {
    Fd socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    why = errno;
    if (!socket) return {};
    if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) != 0) {
        why = errno;
        if (why != EINPROGRESS) return {};
        for (pollfd ready{socket.get(), POLLOUT, 0}; ::poll(&ready, 1, static_cast<int>(kLookAtStop.count())) <= 0;)
            if (limit.over()) {
                why = ETIMEDOUT;
                return {};
            }
        socklen_t size = sizeof why;
        ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &why, &size);
        if (why != 0) return {};
    }
    return socket;
}

Fd connect_to(const std::string& host, int port, const Limit& limit) {
    const std::string place = host_and_port(host, port), doing = "connecting to " + place;
    addrinfo wanted{}, *found = nullptr;
    wanted.ai_socktype = SOCK_STREAM;
    if (const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found); code != 0)
        throw Error(ErrorKind::unreachable, "cannot find the host " + host + ": " + ::gai_strerror(code),
                    "is the name right, and known to this machine or to ssh_config?");
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
    int why = 0;
    for (const addrinfo* one = found; one; one = one->ai_next) {
        Fd socket = connected_to(*one, limit.no_longer_than(kConnectLimit), why);
        if (!socket) continue;
        const int yes = 1;
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnansweredMs, sizeof kUnansweredMs);
        return socket;
    }
    limit.check(doing);
    throw Error(ErrorKind::unreachable, "cannot connect to " + place + ": " + errno_text(why),
                "is the host up, and sshd running there? another port: ssh://HOST:PORT");
}

/// Without a connection nothing is left to wait for: else libssh2 would keep what it could not take leave of.
void free_session(LIBSSH2_SESSION* session, int socket) {
    ::shutdown(socket, SHUT_RDWR);
    constexpr int kTries = 100;
    for (int n = 0; n < kTries && ::libssh2_session_free(session) == LIBSSH2_ERROR_EAGAIN; ++n) {
    }
}

std::string string_of(const unsigned char* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

bool Libssh2Session::can_use_rsa() { return ::libssh2_version(kRsaSince) != nullptr; }

Libssh2Session::Libssh2Session(const SshSettings& settings, const std::vector<std::string>& key_types,
                               const Limit& limit)
    : socket_(connect_to(settings.host, settings.port, limit)) {
    static const int initialized = ::libssh2_init(0);
    if (initialized != 0) throw Error(ErrorKind::internal, "libssh2 does not start");
    session_ = ::libssh2_session_init();
    if (!session_) throw std::bad_alloc();
    ::libssh2_session_set_blocking(session_, 0);
    try {
        std::string types = joined(key_types, ",");
        if (types.empty())
            types = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521" +
                    std::string(can_use_rsa() ? ",rsa-sha2-512,rsa-sha2-256" : "");
        ::libssh2_session_method_pref(session_, LIBSSH2_METHOD_HOSTKEY, types.c_str());
        ::libssh2_keepalive_config(session_, 1, kKeepaliveSeconds);
        const std::string doing = "greeting " + host_and_port(settings.host, settings.port);
        const int code = finish(session_, socket_.get(), limit, doing,
                                [&] { return ::libssh2_session_handshake(session_, socket_.get()); });
        if (code == LIBSSH2_ERROR_KEX_FAILURE || code == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE ||
            code == LIBSSH2_ERROR_METHOD_NONE)
            throw Error(ErrorKind::failed, "no common algorithm: " + last_error() + ", while " + doing);
        if (code != 0) throw Error(ErrorKind::unreachable, last_error() + ", while " + doing, "is that port sshd's?");
    } catch (...) {
        free_session(session_, socket_.get());
        throw;
    }
}

Libssh2Session::~Libssh2Session() {
    ::libssh2_session_disconnect(session_, "done");  // as far as it can be sent at once
    free_session(session_, socket_.get());
}

HostKey Libssh2Session::host_key() const {
    std::size_t size = 0;
    int type = 0;
    const char* data = ::libssh2_session_hostkey(session_, &size, &type);
    if (!data || size < 4) throw Error(ErrorKind::failed, "the host shows no key");
    HostKey key{"", std::string(data, size)};
    const std::size_t length = static_cast<unsigned char>(key.blob[3]);  // of the type's name, which is short
    key.type = key.blob.substr(4, length);
    return key;
}

std::string Libssh2Session::last_error() const {
    char* text = nullptr;
    const int code = ::libssh2_session_last_error(session_, &text, nullptr, 0);
    if (code == LIBSSH2_ERROR_SOCKET_DISCONNECT || code == LIBSSH2_ERROR_SOCKET_RECV)
        return "the connection was closed";
    return text && *text ? text : "libssh2 error " + std::to_string(code);
}

/// The keys of one login, one after the other.
class Libssh2Session::LogIn {
public:
    LogIn(Libssh2Session& session, const SshSettings& settings, Prompt& prompt, const Limit& limit)
        : raw_(session.session_), session_(session), settings_(settings), prompt_(prompt), limit_(limit) {
        for (const auto& file : settings.identities)
            if (auto key = look_at_key(file)) files_.push_back(std::move(*key));
    }

    bool run(std::string& why) {
        if (methods().find("publickey") != std::string::npos) {
            if (by_agent() || by_files(false) || by_files(true)) return true;
        } else if (::libssh2_userauth_authenticated(raw_)) {
            return true;
        }
        if (settings_.has_ssh && !for_ssh_.empty()) {
            why = joined(for_ssh_, ", ");
            return false;
        }
        const bool typed = methods_.find("password") != std::string::npos ||
                           methods_.find("keyboard-interactive") != std::string::npos;
        if (settings_.has_ssh && typed && prompt_.may_ask()) {
            why = "no key was accepted, a password may be";
            return false;
        }
        refuse();
    }

private:
    std::string doing() const { return "logging in on " + settings_.host + " as " + settings_.user; }

    int user_size() const { return static_cast<int>(settings_.user.size()); }

    const std::string& methods() {
        const char* list = nullptr;
        finish(raw_, session_.socket(), limit_, doing(), [&] {
            list = ::libssh2_userauth_list(raw_, settings_.user.c_str(), static_cast<unsigned>(user_size()));
            return list ? 0 : ::libssh2_session_last_errno(raw_);
        });
        methods_ = list ? list : "";
        return methods_;
    }

    /// True when a key is accepted. Throws when the host ends the connection: it counts wrong keys.
    bool accepted(int code, const std::string& what) {
        if (code == 0) return true;
        tried_.push_back(what);
        if (code == LIBSSH2_ERROR_SOCKET_DISCONNECT || code == LIBSSH2_ERROR_SOCKET_RECV ||
            code == LIBSSH2_ERROR_SOCKET_SEND)
            throw Error(
                ErrorKind::denied,
                "the host ended the connection after these keys: " + joined(tried_, ", ") + ", while " + doing(),
                "name the right one in ssh_config (IdentityFile) with IdentitiesOnly yes");
        return false;
    }

    /// Whether libssh2 can use such a key; one that it cannot use is left to the ssh client.
    bool usable(PrivateKey::Type type, const std::string& what) {
        const bool rsa = type == PrivateKey::Type::rsa && !can_use_rsa();
        if (rsa) for_ssh_.push_back("the RSA key of " + what);
        if (type == PrivateKey::Type::hardware) for_ssh_.push_back("the hardware key of " + what);
        return !rsa && type != PrivateKey::Type::hardware;
    }

    bool has_file(const std::string& blob) const {
        return std::any_of(files_.begin(), files_.end(), [&](const auto& key) { return key.public_blob == blob; });
    }

    bool by_agent() {
        if (settings_.agent.empty()) return false;
        const std::unique_ptr<LIBSSH2_AGENT, void (*)(LIBSSH2_AGENT*)> agent(::libssh2_agent_init(raw_), [](auto* one) {
            ::libssh2_agent_disconnect(one);
            ::libssh2_agent_free(one);
        });
        if (!agent) throw std::bad_alloc();
        ::libssh2_agent_set_identity_path(agent.get(), settings_.agent.c_str());
        if (::libssh2_agent_connect(agent.get()) != 0 || ::libssh2_agent_list_identities(agent.get()) != 0) {
            tried_.push_back("ssh-agent does not answer");
            return false;
        }
        libssh2_agent_publickey *key = nullptr, *before = nullptr;
        for (; ::libssh2_agent_get_identity(agent.get(), &key, before) == 0; before = key) {
            const std::string blob = string_of(key->blob, key->blob_len);
            if (settings_.identities_only && !has_file(blob)) continue;
            const std::string what = std::string(key->comment ? key->comment : "a key") + " (ssh-agent)";
            if (!usable(key_type(blob), what)) continue;
            agent_blobs_.push_back(blob);
            const int code = finish(raw_, session_.socket(), limit_, doing(),
                                    [&] { return ::libssh2_agent_userauth(agent.get(), settings_.user.c_str(), key); });
            if (accepted(code, what)) return true;
        }
        return false;
    }

    int try_file(const PrivateKey& key, const Secret& passphrase, const Limit& limit) {
        return finish(raw_, session_.socket(), limit, doing(), [&] {
            return ::libssh2_userauth_publickey_fromfile_ex(
                raw_, settings_.user.c_str(), static_cast<unsigned>(user_size()), nullptr, key.file.c_str(),
                key.encrypted ? passphrase.reveal().c_str() : nullptr);
        });
    }

    bool by_files(bool encrypted) {
        for (const auto& key : files_) {
            const std::string& what = key.file.string();
            const bool by_agent = !key.public_blob.empty() && std::find(agent_blobs_.begin(), agent_blobs_.end(),
                                                                        key.public_blob) != agent_blobs_.end();
            if (key.encrypted != encrypted || by_agent || !usable(key.type, what)) continue;
            if (encrypted ? with_passphrase(key) : accepted(try_file(key, {}, limit_), what)) return true;
        }
        return false;
    }

    /// Time that the user takes to type is not counted.
    bool with_passphrase(const PrivateKey& key) {
        if (!prompt_.may_ask()) {
            locked_.push_back(key.file.string());
            return false;
        }
        for (int n = 0; n < kPassphraseTries; ++n) {
            const auto left = limit_.left();
            const Secret passphrase = prompt_.ask_secret("passphrase of " + key.file.string() + ":");
            if (passphrase.empty()) break;
            const int code = try_file(key, passphrase, Limit(left, limit_.stop()));
            const bool wrong = code != 0 && code != LIBSSH2_ERROR_AUTHENTICATION_FAILED &&
                               code != LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED && code != LIBSSH2_ERROR_SOCKET_DISCONNECT;
            if (!wrong) return accepted(code, key.file.string());
        }
        tried_.push_back(key.file.string() + " (wrong passphrase)");
        return false;
    }

    [[noreturn]] void refuse() const {
        std::string text = settings_.host + " does not let " + settings_.user + " in";
        text +=
            tried_.empty() ? ": there is no key to show" : ": it accepts none of these keys: " + joined(tried_, ", ");
        if (!locked_.empty()) text += "; not tried, since they need a passphrase: " + joined(locked_, ", ");
        if (!for_ssh_.empty()) text += "; not tried, since it needs an ssh client: " + joined(for_ssh_, ", ");
        throw Error(
            ErrorKind::denied, text,
            locked_.empty()
                ? "put your public key into " + settings_.user +
                      "'s ~/.ssh/authorized_keys there, or name another user or key (IdentityFile in ssh_config)"
                : "load the key first: ssh-add " + locked_.front());
    }

    LIBSSH2_SESSION* raw_;
    Libssh2Session& session_;
    const SshSettings& settings_;
    Prompt& prompt_;
    const Limit& limit_;
    std::string methods_;
    std::vector<PrivateKey> files_;
    std::vector<std::string> tried_, locked_, for_ssh_, agent_blobs_;
};

bool Libssh2Session::log_in(const SshSettings& settings, Prompt& prompt, const Limit& limit, std::string& why) {
    return LogIn(*this, settings, prompt, limit).run(why);
}

}  // namespace pgedge
