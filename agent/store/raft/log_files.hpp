#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "agent/store/raft/libraft.hpp"
#include "agent/store/raft/log_promises.hpp"
#include "agent/store/state/live_state.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// Stands between libraft and its files, where libraft 0.22 ends the process or forgets what it has:
/// - A snapshot that arrives while this member takes its own makes libraft use a null pointer: it is dropped, and comes
///   again.
/// - A snapshot, term or vote that cannot be written fails an assertion: it is tried again until it is written.
/// - Messages that contradict what a member holds make it free them twice: LogPromises stops them.
/// - Taking a snapshot would hold up the loop: the state is held as it is, and copied on a thread of libuv's pool.
/// Belongs to the loop's thread.
class LogFiles {
public:
    LogFiles(uv_loop_t& loop, LiveState& state, LogPromises::Options promises, std::uint64_t member_id, const Log& log);
    LogFiles(const LogFiles&) = delete;
    LogFiles& operator=(const LogFiles&) = delete;

    /// Takes its place in `io`, which raft_uv_init() has filled. `io.data->data` must be this object.
    void guard(raft_io& io);
    /// Of the snapshot that libraft found when it started; 0: none.
    raft_index loaded_snapshot() const { return loaded_; }
    /// raft_fsm's snapshot and snapshot_finalize.
    int begin_snapshot(raft_buffer** buffers, unsigned* count);
    void end_snapshot(raft_buffer** buffers, unsigned* count);
    /// The retry timer goes; before raft_close().
    void stopping();
    LogPromises& promises() { return promises_; }
    const LogPromises& promises() const { return promises_; }

private:
    enum class Stage { none, copying, writing, pausing };
    static LogFiles& of(raft_io* io) { return *static_cast<LogFiles*>(static_cast<raft*>(io->data)->data); }
    static LogPromises& promises_of(raft_io* io) { return of(io).promises_; }

    int put(unsigned trailing, raft_io_snapshot_put* request, const raft_snapshot* snapshot,
            raft_io_snapshot_put_cb done);
    void copy();
    void copied();
    int write();
    void written(int status);
    void pause();
    void cancel();
    void close(raft_io_close_cb done);
    template <class Write>
    int persist(const char* what, Write write);

    uv_loop_t& loop_;
    LiveState& state_;
    const Log log_;
    LogPromises promises_;
    raft_io* io_ = nullptr;
    raft_io original_{};
    raft_io_recv_cb receive_ = nullptr;
    raft_index loaded_ = 0;

    std::unique_ptr<SqliteConnection> held_;  // what the snapshot under way is a copy of
    std::string image_, failure_;
    Stage stage_ = Stage::none;
    struct {
        unsigned trailing = 0;
        raft_io_snapshot_put* request = nullptr;
        const raft_snapshot* snapshot = nullptr;
        raft_io_snapshot_put_cb done = nullptr;
    } put_;
    raft_io_snapshot_put own_put_{};
    uv_work_t work_{};
    uv_timer_t retry_{};
    raft_io_close_cb close_later_ = nullptr;
    bool closing_ = false;
    std::atomic<bool> stopping_{false};  // also read while persist() holds the loop's thread
    bool mute_ = false;                  // something that has to be on the disk is not: nothing is sent any more

public:
    /// From any thread: gives up what cannot be written.
    void give_up() { stopping_ = true; }
};

}  // namespace pgedge
