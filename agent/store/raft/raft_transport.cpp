#include "agent/store/raft/raft_transport.hpp"

#include <new>

#include "common/base/error.hpp"

namespace pgedge {

RaftTransport::RaftTransport(uv_loop_t& loop, RaftTls& tls) : loop_(loop), tls_(tls) {
    transport_.version = 1;
    transport_.impl = this;
    transport_.init = [](raft_uv_transport* transport, raft_id, const char*) {
        auto& self = of(transport);
        if (uv_async_init(&self.loop_, &self.arrival_,
                          [](uv_async_t* async) { static_cast<RaftTransport*>(async->data)->take_incoming(); }) != 0)
            return int{RAFT_IOERR};
        self.arrival_.data = &self;
        self.arrival_open_ = true;
        return 0;
    };
    transport_.listen = [](raft_uv_transport* transport, raft_uv_accept_cb arrived) {
        auto& self = of(transport);
        self.accept_ = arrived;
        const std::lock_guard lock(self.mutex_);
        self.deaf_ = false;
        return 0;
    };
    transport_.connect = [](raft_uv_transport* transport, raft_uv_connect* request, raft_id, const char* address,
                            raft_uv_connect_cb done) { return of(transport).connect(request, address, done); };
    transport_.close = [](raft_uv_transport* transport, raft_uv_transport_close_cb done) { of(transport).close(done); };
}

void RaftTransport::accept(const std::string& host_id, std::uint64_t member_id, Fd socket) {
    const std::lock_guard lock(mutex_);
    if (deaf_) return;
    incoming_.push_back({host_id, member_id, std::move(socket)});
    uv_async_send(&arrival_);  // with the lock held: close() takes it before the handle goes
}

void RaftTransport::take_incoming() {
    std::vector<Incoming> taken;
    {
        const std::lock_guard lock(mutex_);
        taken.swap(incoming_);
    }
    if (closing_) return;
    for (auto& each : taken)
        if (auto* stream = stream_of(std::move(each.socket)))
            accept_(&transport_, each.member_id, each.host_id.c_str(), stream);
}

/// libraft closes the stream and frees it with its own allocator.
uv_stream_t* RaftTransport::stream_of(Fd socket) {
    auto* pipe = static_cast<uv_pipe_t*>(raft_malloc(sizeof(uv_pipe_t)));
    if (!pipe) return nullptr;
    if (uv_pipe_init(&loop_, pipe, 0) != 0) {
        raft_free(pipe);
        return nullptr;
    }
    if (uv_pipe_open(pipe, socket.get()) != 0) {
        uv_close(reinterpret_cast<uv_handle_t*>(pipe), [](uv_handle_t* handle) { raft_free(handle); });
        return nullptr;
    }
    socket.release();
    return reinterpret_cast<uv_stream_t*>(pipe);
}

int RaftTransport::connect(raft_uv_connect* request, const char* address, raft_uv_connect_cb done) {
    request->cb = done;
    auto& attempt = attempts_.emplace_back();
    attempt.transport = this;
    attempt.request = request;
    attempt.host_id = address;
    attempt.work.data = &attempt;
    const auto try_it = [](uv_work_t* work) {
        auto& self = *static_cast<Attempt*>(work->data);
        try {
            self.socket = self.transport->tls_.connect(self.host_id);
        } catch (const std::exception&) {
            // libraft tries again; a host that is down is told by its health, not here
        }
    };
    const auto after = [](uv_work_t* work, int status) {
        auto* self = static_cast<Attempt*>(work->data);
        self->transport->attempted(self, status);
    };
    if (uv_queue_work(&loop_, &attempt.work, try_it, after) == 0) return 0;
    attempts_.pop_back();
    return RAFT_NOCONNECTION;
}

void RaftTransport::attempted(Attempt* attempt, int status) {
    auto* request = attempt->request;
    auto* stream = status == 0 && !closing_ && attempt->socket ? stream_of(std::move(attempt->socket)) : nullptr;
    attempts_.remove_if([&](const Attempt& each) { return &each == attempt; });
    request->cb(request, stream, stream ? 0 : closing_ ? int{RAFT_CANCELED} : int{RAFT_NOCONNECTION});
    closed_if_done();
}

void RaftTransport::close(raft_uv_transport_close_cb done) {
    closing_ = true;
    closed_ = done;
    {
        const std::lock_guard lock(mutex_);
        deaf_ = true;
        incoming_.clear();
    }
    for (auto& attempt : attempts_) uv_cancel(reinterpret_cast<uv_req_t*>(&attempt.work));
    uv_close(reinterpret_cast<uv_handle_t*>(&arrival_), [](uv_handle_t* handle) {
        auto& self = *static_cast<RaftTransport*>(handle->data);
        self.arrival_open_ = false;
        self.closed_if_done();
    });
}

void RaftTransport::closed_if_done() {
    if (!closing_ || arrival_open_ || !attempts_.empty() || !closed_) return;
    const auto done = std::exchange(closed_, nullptr);
    done(&transport_);
}

}  // namespace pgedge
