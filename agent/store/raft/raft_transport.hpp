#pragma once

#include <list>
#include <mutex>
#include <string>
#include <vector>

#include "agent/store/raft/libraft.hpp"
#include "agent/store/raft/raft_tls.hpp"

namespace pgedge {

/// libraft's way to the other members: its connections are local sockets whose other ends RaftTls keeps. Belongs to the
/// engine's loop thread; only accept() is for another, that of RaftTls.
class RaftTransport {
public:
    RaftTransport(uv_loop_t& loop, RaftTls& tls);
    RaftTransport(const RaftTransport&) = delete;
    RaftTransport& operator=(const RaftTransport&) = delete;

    raft_uv_transport* get() { return &transport_; }
    /// A connection has come in.
    void accept(const std::string& host_id, std::uint64_t member_id, Fd socket);

private:
    struct Incoming {
        std::string host_id;
        std::uint64_t member_id = 0;
        Fd socket;
    };
    /// One attempt to connect, on a thread of libuv's pool.
    struct Attempt {
        RaftTransport* transport = nullptr;
        raft_uv_connect* request = nullptr;
        std::string host_id;
        Fd socket{};
        uv_work_t work{};
    };

    static RaftTransport& of(raft_uv_transport* transport) { return *static_cast<RaftTransport*>(transport->impl); }
    int connect(raft_uv_connect* request, const char* address, raft_uv_connect_cb done);
    void attempted(Attempt* attempt, int status);
    void take_incoming();
    void close(raft_uv_transport_close_cb done);
    void closed_if_done();
    uv_stream_t* stream_of(Fd socket);

    uv_loop_t& loop_;
    RaftTls& tls_;
    raft_uv_transport transport_{};
    raft_uv_accept_cb accept_ = nullptr;
    raft_uv_transport_close_cb closed_ = nullptr;
    uv_async_t arrival_{};
    bool closing_ = false, arrival_open_ = false;
    std::list<Attempt> attempts_;
    std::mutex mutex_;  // guards what follows
    std::vector<Incoming> incoming_;
    bool deaf_ = true;  // not yet, or no longer
};

}  // namespace pgedge
