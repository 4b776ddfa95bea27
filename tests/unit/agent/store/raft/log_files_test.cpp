#include "agent/store/raft/log_files.hpp"

#include <optional>

#include <doctest/doctest.h>

#include "agent/store/state/migrations.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

/// A member's state, and libraft's files as far as LogFiles looks at them: a snapshot is written when finish() says so,
/// and what arrives for libraft is counted.
struct Guarded {
    static Guarded& of(raft_io* io) { return *static_cast<Guarded*>(io->impl); }
    Guarded() {
        uv_loop_init(&loop);
        request.data = this;
        state.apply(1, schema_step(1).encode());
        for (const Limit limit(20s); state.applied() < 1 && !limit.over(); limit.pause(1ms)) continue;
        guard.emplace(loop, state, LogPromises::Options{.file = folder.path() / "promises"}, 1, Log::none());
        raft_itself.data = &*guard;
        io.data = &raft_itself;
        io.impl = this;
        io.start = [](raft_io* self, unsigned, raft_io_tick_cb, raft_io_recv_cb receiver) {
            of(self).receive = receiver;
            return 0;
        };
        io.snapshot_put = [](raft_io* self, unsigned, raft_io_snapshot_put* wanted, const raft_snapshot* snapshot,
                             raft_io_snapshot_put_cb done) {
            of(self).written.assign(static_cast<const char*>(snapshot->bufs[0].base), snapshot->bufs[0].len);
            of(self).writing = wanted;
            wanted->cb = done;
            return 0;
        };
        guard->guard(io);
        io.start(&io, 1, nullptr, [](raft_io* self, raft_message* message) {
            ++of(self).come;
            raft_free(message->install_snapshot.data.base);
        });
    }
    ~Guarded() {
        guard->stopping();
        uv_run(&loop, UV_RUN_DEFAULT);
        uv_loop_close(&loop);
    }
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;

    /// As libraft takes its own snapshot.
    void begin() {
        unsigned count = 0;
        int begun = RAFT_BUSY;  // until the state's thread is idle
        for (const Limit limit(20s); begun != 0 && !limit.over(); limit.pause(1ms))
            begun = guard->begin_snapshot(&buffers, &count);
        REQUIRE(begun == 0);
        own.bufs = buffers;
        own.n_bufs = count;
        REQUIRE(io.snapshot_put(&io, 0, &request, &own, [](raft_io_snapshot_put* done, int) {
            static_cast<Guarded*>(done->data)->end();
        }) == 0);
    }
    void end() {
        unsigned count = 1;
        guard->end_snapshot(&buffers, &count);
        ended = true;
    }
    void finish() { writing->cb(writing, 0); }
    /// True: libraft was given it.
    bool arrives(raft_message_type type) {
        const int before = come;
        raft_message message{};
        message.type = static_cast<decltype(message.type)>(type);
        if (type == RAFT_INSTALL_SNAPSHOT) message.install_snapshot.data = {raft_malloc(8), 8};
        receive(&io, &message);
        return come > before;
    }

    const testing::TemporaryDirectory folder;
    ChangeFeed feed;
    LiveState state{folder.path(), feed, [](const Batch&, std::vector<Outcome>, const LiveState::Progress&) {},
                    Log::none()};
    uv_loop_t loop{};
    raft raft_itself{};
    raft_io io{};
    std::optional<LogFiles> guard;
    raft_io_recv_cb receive = nullptr;
    raft_io_snapshot_put request{};
    raft_io_snapshot_put* writing = nullptr;
    raft_snapshot own{};
    raft_buffer* buffers = nullptr;
    std::string written;
    int come = 0;
    bool ended = false;
};

}  // namespace

TEST_CASE("a snapshot that arrives while the member takes its own is dropped, and the next one is taken") {
    Guarded member;
    CHECK(member.arrives(RAFT_INSTALL_SNAPSHOT));

    member.begin();
    CHECK_FALSE(member.arrives(RAFT_INSTALL_SNAPSHOT));  // while it is copied
    CHECK(member.arrives(RAFT_APPEND_ENTRIES));
    while (!member.writing) uv_run(&member.loop, UV_RUN_ONCE);
    CHECK(member.written.starts_with("SQLite format 3"));
    CHECK_FALSE(member.arrives(RAFT_INSTALL_SNAPSHOT));  // while it is written
    CHECK_FALSE(member.ended);

    member.finish();
    CHECK(member.ended);
    CHECK(member.arrives(RAFT_INSTALL_SNAPSHOT));
}
