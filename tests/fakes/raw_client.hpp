#pragma once

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/base/file.hpp"

namespace pgedge::testing {

/// A client that sends any bytes, for what no well-behaved client would send.
class RawClient {
public:
    RawClient(const std::string& address, int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(port));
        ::inet_pton(AF_INET, address.c_str(), &to.sin_addr);
        if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
            throw std::runtime_error("cannot connect: " + std::string(std::strerror(errno)));
    }

    /// False when the server has gone.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    /// What came until `end` was seen (and taken), the server closed, or the time is over.
    std::string receive(std::string_view end, std::chrono::milliseconds at_most = std::chrono::seconds(20)) {
        const auto until = std::chrono::steady_clock::now() + at_most;
        for (;;) {
            if (const auto at = got_.find(end); !end.empty() && at != std::string::npos) {
                std::string part = got_.substr(0, at + end.size());
                got_.erase(0, part.size());
                return part;
            }
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
            pollfd watched{socket_.get(), POLLIN, 0};
            if (left.count() <= 0 || ::poll(&watched, 1, static_cast<int>(left.count())) <= 0) break;
            char part[16384];
            const auto size = ::recv(socket_.get(), part, sizeof part, 0);
            if (size <= 0) {
                closed_ = true;
                break;
            }
            got_.append(part, static_cast<std::size_t>(size));
        }
        return std::exchange(got_, {});
    }
    /// All that comes until the server closes.
    std::string receive_all(std::chrono::milliseconds at_most = std::chrono::seconds(20)) {
        return receive({}, at_most);
    }
    bool closed() const { return closed_; }  ///< by the server, as receive() found

private:
    Fd socket_;
    std::string got_;
    bool closed_ = false;
};

}  // namespace pgedge::testing
