#include "agent/store/raft/commit_news.hpp"

#include <memory>

namespace pgedge {
namespace {

/// The others' files are no further behind than this.
constexpr std::uint64_t kTellAfterMs = 5;

uv_handle_t* handle(uv_timer_t& timer) { return reinterpret_cast<uv_handle_t*>(&timer); }

}  // namespace

CommitNews::CommitNews(uv_loop_t& loop, raft& group, raft_io& io) : raft_(group), io_(io) {
    uv_timer_init(&loop, &timer_);
    timer_.data = this;
}

void CommitNews::stop() { uv_close(handle(timer_), nullptr); }

void CommitNews::look(bool leads) {
    const auto term = leads ? raft_current_term(&raft_) : 0;
    if (term != term_) own_term_from_ = raft_last_index(&raft_);
    term_ = term;
    const auto committed = raft_commit_index(&raft_);
    if (!leads || committed <= told_ || committed <= own_term_from_ || committed != raft_last_index(&raft_)) return;
    if (uv_is_active(handle(timer_))) return;
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { static_cast<CommitNews*>(timer->data)->tell(); }, kTellAfterMs, 0);
}

void CommitNews::tell() {
    const auto index = raft_commit_index(&raft_);
    if (raft_state(&raft_) != RAFT_LEADER || raft_transferee(&raft_) != 0 || index <= own_term_from_ ||
        index != raft_last_index(&raft_))
        return;
    told_ = index;
    for (unsigned i = 0; i < raft_.configuration.n; ++i) tell(raft_.configuration.servers[i], index);
}

/// A heartbeat as libraft sends them, of the newest entry: it is of this term, and the other has it.
void CommitNews::tell(const raft_server& server, raft_index index) {
    raft_index match = 0;
    if (server.id == raft_.id || server.role == RAFT_SPARE || raft_match_index(&raft_, server.id, &match) != 0 ||
        match < index)
        return;
    raft_message message{};
    message.type = RAFT_APPEND_ENTRIES;
    message.server_id = server.id;
    message.server_address = server.address;
    message.append_entries.term = raft_current_term(&raft_);
    message.append_entries.prev_log_index = index;
    message.append_entries.prev_log_term = message.append_entries.term;
    message.append_entries.leader_commit = index;
    auto request = std::make_unique<raft_io_send>();
    if (io_.send(&io_, request.get(), &message, [](raft_io_send* sent, int) { delete sent; }) == 0)
        static_cast<void>(request.release());
}

}  // namespace pgedge
