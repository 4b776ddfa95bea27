#pragma once

#include "agent/store/raft/libraft.hpp"

namespace pgedge {

/// libraft tells the others of a commit with the next entry, or the next heartbeat. Those who read there are not to
/// wait for that: a moment after a commit that nothing follows, they are told. Belongs to the engine's loop thread.
class CommitNews {
public:
    CommitNews(uv_loop_t& loop, raft& group, raft_io& io);
    CommitNews(const CommitNews&) = delete;
    CommitNews& operator=(const CommitNews&) = delete;

    /// After each turn of the loop. `leads`: this member does.
    void look(bool leads);
    /// The timer goes; before raft_close().
    void stop();

private:
    void tell();
    void tell(const raft_server& server, raft_index index);

    raft& raft_;
    raft_io& io_;
    uv_timer_t timer_{};
    raft_term term_ = 0;  // that we lead in; 0: none
    raft_index own_term_from_ = 0, told_ = 0;
};

}  // namespace pgedge
