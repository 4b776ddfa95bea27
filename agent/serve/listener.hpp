#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "common/base/file.hpp"
#include "common/net/http.hpp"
#include "common/net/tls.hpp"

namespace pgedge {

/// Where a server is to be reached: an address and a port, or a unix socket.
struct ListenAddress {
    std::string address;                       ///< IPv4 or IPv6, never a name; empty: unix socket
    int port = 0;                              ///< 0: any free one
    std::filesystem::path socket{};            ///< mode 0660; what a dead process left there is replaced
    std::shared_ptr<ReloadableContext> tls{};  ///< null: plain
    bool agents = false;                       ///< certificates count when they are those of agents only
    /// With ClientCertificates::told: the one target that clients without a certificate may ask for.
    std::string open_target{};
    /// Programs of this user on this machine are refused, and those that cannot be told from them.
    std::optional<uid_t> refused_user{};
    std::string name{kApiListener};  ///< says which APIs are served here: ApiTraits::listeners
};

/// The address of this machine that a connected socket uses, as numbers; empty when it has none (unix sockets).
std::string local_address(int socket);

/// A listening socket, not blocking. Takes the file of a unix socket away when it dies.
class Listener {
public:
    /// Throws Error{invalid_input} on a bad address, Error{conflict} when it is in use, Error{failed}.
    explicit Listener(ListenAddress endpoint);
    ~Listener();
    Listener(Listener&&) = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    struct Accepted {
        Fd socket;
        std::string address;       ///< empty over a unix socket
        std::optional<uid_t> uid;  ///< of its program; over a unix socket only
        bool refused = false;      ///< a program of ListenAddress::refused_user
        int error = 0;             ///< errno when there is no socket; EAGAIN: nobody waits
    };
    Accepted accept();
    int fd() const { return socket_.get(); }
    int port() const { return port_; }  ///< 0 for a unix socket
    /// Shared with the sessions of its clients, which may outlive it.
    const std::shared_ptr<const ListenAddress>& endpoint() const { return endpoint_; }

private:
    void bind_address();
    void bind_socket();
    std::shared_ptr<const ListenAddress> endpoint_;
    Fd socket_;
    int port_ = 0;
};

}  // namespace pgedge
