#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "agent/store/store_peers.hpp"
#include "common/base/file.hpp"

namespace pgedge {

/// One call over a socket: a name and a body there, an answer back. How test programs call each other. `place` is the
/// path of a unix socket, or "192.0.2.7:2379".
std::string call_socket(const std::string& place, std::string_view name, const std::string& body, const Limit& limit);

/// Answers such calls, each in a thread of its own.
class SocketServer {
public:
    using Answer = std::function<std::string(const std::string& name, const std::string& body)>;
    SocketServer(const std::string& place, Answer answer);
    ~SocketServer();
    SocketServer(const SocketServer&) = delete;
    SocketServer& operator=(const SocketServer&) = delete;

private:
    Fd listener_;
    Answer answer_;
    std::jthread thread_;
};

/// Peers that listen where the address book says. A call's name is followed by "@" and the caller's host id.
class SocketPeers final : public StorePeers {
public:
    explicit SocketPeers(std::string self) : self_(std::move(self)) {}
    std::string call(const std::string&, const PeerAddress& address, std::string_view name, const std::string& body,
                     const Limit& limit) override {
        return call_socket(address.peer, std::string(name) + "@" + self_, body, limit);
    }

private:
    const std::string self_;
};

}  // namespace pgedge
