#include "agent/store/raft/log_files.hpp"

#include <chrono>
#include <thread>

#include "agent/store/raft/message_guard.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::uint64_t kRetryMs = 1000;
constexpr std::chrono::milliseconds kPersistAgain{100};

}  // namespace

LogFiles::LogFiles(uv_loop_t& loop, LiveState& state, LogPromises::Options promises, std::uint64_t member_id,
                   const Log& log)
    : loop_(loop), state_(state), log_(log), promises_(std::move(promises), member_id, log) {
    uv_timer_init(&loop_, &retry_);
    retry_.data = this;
    work_.data = this;
    own_put_.data = this;
}

void LogFiles::guard(raft_io& io) {
    io_ = &io;
    promises_.guard<promises_of>(io);
    original_ = io;
    io.load = [](raft_io* self, raft_term* term, raft_id* voted_for, raft_snapshot** snapshot, raft_index* start,
                 raft_entry** entries, size_t* count) {
        auto& files = of(self);
        const int result = files.original_.load(self, term, voted_for, snapshot, start, entries, count);
        if (result == 0 && *snapshot) files.loaded_ = (*snapshot)->index;
        return result;
    };
    io.start = [](raft_io* self, unsigned msecs, raft_io_tick_cb tick, raft_io_recv_cb receive) {
        auto& files = of(self);
        files.receive_ = receive;
        return files.original_.start(self, msecs, tick, [](raft_io* us, raft_message* message) {
            auto& guard = of(us);
            if (guard.promises_.stops(*static_cast<raft*>(us->data), *message)) return;
            if (message->type == RAFT_INSTALL_SNAPSHOT && guard.stage_ != Stage::none) return drop(*message);
            guard.receive_(us, message);
        });
    };
    io.set_term = [](raft_io* self, raft_term term) {
        auto& files = of(self);
        return files.persist("term", [&] { return files.original_.set_term(self, term); });
    };
    io.set_vote = [](raft_io* self, raft_id id) {
        auto& files = of(self);
        return files.persist("vote", [&] { return files.original_.set_vote(self, id); });
    };
    io.send = [](raft_io* self, raft_io_send* request, const raft_message* message, raft_io_send_cb done) {
        auto& files = of(self);
        if (!files.mute_ && !files.promises_.conflicted()) return files.original_.send(self, request, message, done);
        done(request, RAFT_CANCELED);  // an error would make libraft free what it has received twice
        return 0;
    };
    io.snapshot_put = [](raft_io* self, unsigned trailing, raft_io_snapshot_put* request, const raft_snapshot* snapshot,
                         raft_io_snapshot_put_cb done) { return of(self).put(trailing, request, snapshot, done); };
    io.close = [](raft_io* self, raft_io_close_cb done) { of(self).close(done); };
}

/// A member that has forgotten its term or its vote could vote twice: there is nothing to do but to wait. It is like a
/// member whose disk is frozen: the others go on without it.
template <class Write>
int LogFiles::persist(const char* what, Write write) {
    bool told = false;
    for (;;) {
        if (write() == 0) return 0;
        if (!std::exchange(told, true))
            log_.error("the store's log cannot be written",
                       {{"part", std::string_view(what)}, {"reason", std::string_view(io_->errmsg)}});
        if (stopping_) break;
        std::this_thread::sleep_for(kPersistAgain);
    }
    mute_ = true;
    return 0;
}

int LogFiles::begin_snapshot(raft_buffer** buffers, unsigned* count) {
    try {
        held_ = state_.hold();
    } catch (const Error& error) {
        log_.warn("no snapshot of the store was taken", {{"reason", error.text()}});
    }
    if (!held_) return RAFT_BUSY;  // libraft asks again
    *buffers = static_cast<raft_buffer*>(raft_malloc(sizeof(raft_buffer)));
    if (!*buffers) return RAFT_NOMEM;
    **buffers = {nullptr, 0};
    *count = 1;
    return 0;
}

void LogFiles::end_snapshot(raft_buffer** buffers, unsigned* count) {
    held_.reset();
    std::string().swap(image_);  // an assignment would keep its memory, as large as the store
    raft_free(*buffers);
    *buffers = nullptr;
    *count = 0;
}

int LogFiles::put(unsigned trailing, raft_io_snapshot_put* request, const raft_snapshot* snapshot,
                  raft_io_snapshot_put_cb done) {
    put_ = {trailing, request, snapshot, done};
    request->cb = done;
    if (!held_) promises_.installing({snapshot->term, snapshot->index});
    if (held_)
        copy();
    else if (const int result = write(); result != 0)
        pause();
    return 0;
}

void LogFiles::copy() {
    stage_ = Stage::copying;
    failure_.clear();
    const auto make = [](uv_work_t* work) {
        auto& self = *static_cast<LogFiles*>(work->data);
        try {
            self.image_ = self.held_->image();
        } catch (const std::exception& error) {
            self.failure_ = error.what();
        }
    };
    if (uv_queue_work(&loop_, &work_, make,
                      [](uv_work_t* work, int) { static_cast<LogFiles*>(work->data)->copied(); }) != 0)
        pause();
}

void LogFiles::copied() {
    if (closing_) {
        cancel();
        original_.close(io_, std::exchange(close_later_, nullptr));
        return;
    }
    if (!failure_.empty()) {
        log_.warn("no snapshot of the store was taken", {{"reason", failure_}});
        return pause();
    }
    put_.snapshot->bufs[0] = {image_.data(), image_.size()};
    if (write() != 0) pause();
}

int LogFiles::write() {
    stage_ = Stage::writing;
    return original_.snapshot_put(
        io_, put_.trailing, &own_put_, put_.snapshot,
        [](raft_io_snapshot_put* request, int status) { static_cast<LogFiles*>(request->data)->written(status); });
}

void LogFiles::written(int status) {
    if (closing_ || status == RAFT_CANCELED) return cancel();
    if (status != 0) {
        log_.warn("a snapshot of the store was not written", {{"reason", std::string_view(raft_strerror(status))}});
        return pause();
    }
    stage_ = Stage::none;
    if (!held_) promises_.installed({put_.snapshot->term, put_.snapshot->index});
    put_.done(put_.request, 0);
}

void LogFiles::pause() {
    if (closing_) return cancel();
    stage_ = Stage::pausing;
    uv_timer_start(
        &retry_,
        [](uv_timer_t* timer) {
            auto& self = *static_cast<LogFiles*>(timer->data);
            if (self.held_ && self.image_.empty())
                self.copy();
            else if (self.write() != 0)
                self.pause();
        },
        kRetryMs, 0);
}

void LogFiles::cancel() {
    if (stage_ == Stage::none) return;
    stage_ = Stage::none;
    put_.done(put_.request, RAFT_CANCELED);
}

void LogFiles::stopping() {
    stopping_ = closing_ = true;
    uv_close(reinterpret_cast<uv_handle_t*>(&retry_), nullptr);
}

void LogFiles::close(raft_io_close_cb done) {
    promises_.closing();
    if (stage_ == Stage::copying) {
        close_later_ = done;
        return;
    }
    if (stage_ == Stage::pausing) cancel();
    original_.close(io_, done);
}

}  // namespace pgedge
