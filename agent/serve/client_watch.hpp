#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>

#include "agent/serve/crew.hpp"
#include "common/base/file.hpp"

namespace pgedge {

/// Sees clients leave while their requests are being answered: the thread that answers does not look at the connection
/// then. A client that has closed its sending side counts as gone, as for Go's server, since it looks the same. Safe
/// from any thread; of those it has one of its own.
class ClientWatch {
public:
    ClientWatch();
    ~ClientWatch();
    ClientWatch(const ClientWatch&) = delete;
    ClientWatch& operator=(const ClientWatch&) = delete;

    /// While it lives, `gone` is requested to stop as soon as the other end of the socket leaves. Where the system
    /// gives no means to watch, nothing is seen.
    class Watch {
    public:
        Watch(ClientWatch& clients, int socket, std::stop_source gone);
        ~Watch();
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;

    private:
        ClientWatch& clients_;
        const int socket_;
        std::uint64_t number_ = 0;
    };

    /// Looks once.
    static bool has_left(int socket);

private:
    void run();

    Fd epoll_, wake_;
    std::mutex mutex_;
    std::uint64_t last_number_ = 0;                   ///< GUARDED_BY(mutex_)
    std::map<std::uint64_t, std::stop_source> gone_;  ///< GUARDED_BY(mutex_)
    std::optional<SmallThread> thread_;
};

}  // namespace pgedge
