#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "agent/store/store_peers.hpp"
#include "common/base/file.hpp"

namespace pgedge {

/// One call over a unix socket: a name and a body there, an answer back. How test programs call each other.
std::string call_socket(const std::filesystem::path& socket, std::string_view name, const std::string& body,
                        const Limit& limit);

/// Answers such calls, each in a thread of its own.
class SocketServer {
public:
    using Answer = std::function<std::string(const std::string& name, const std::string& body)>;
    SocketServer(const std::filesystem::path& socket, Answer answer);
    ~SocketServer();
    SocketServer(const SocketServer&) = delete;
    SocketServer& operator=(const SocketServer&) = delete;

private:
    Fd listener_;
    Answer answer_;
    std::jthread thread_;
};

/// Peers whose agents listen on `<folder>/<host>.sock`.
class SocketPeers final : public StorePeers {
public:
    explicit SocketPeers(std::filesystem::path folder) : folder_(std::move(folder)) {}
    std::string call(const std::string& host_id, const PeerAddress&, std::string_view name, const std::string& body,
                     const Limit& limit) override {
        return call_socket(folder_ / (host_id + ".sock"), name, body, limit);
    }

private:
    const std::filesystem::path folder_;
};

}  // namespace pgedge
