#include "agent/store/raft/raft_engine.hpp"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <tuple>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "agent/store/raft/commit_news.hpp"
#include "agent/store/raft/libraft.hpp"
#include "agent/store/raft/log_files.hpp"
#include "agent/store/raft/raft_transport.hpp"
#include "agent/store/raft/snapshot_schedule.hpp"
#include "common/base/error.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {
namespace {

using std::chrono::milliseconds;

/// Silence of the leader after which others elect one: this to twice this. A lease of 4 s bears no more, a busy machine
/// no less. Heartbeats are most of what an agent at rest does; one may be lost.
constexpr unsigned kElectionMs = 600, kHeartbeatMs = 240;
constexpr unsigned kInstallMs = 10'000;
/// Between two attempts to connect to another member, and to write what the disk did not take.
constexpr unsigned kConnectAgainMs = 300, kDiskAgainMs = 500;

int role_number(NodeRole role) {
    return role == NodeRole::voter ? RAFT_VOTER : role == NodeRole::standby ? RAFT_STANDBY : RAFT_SPARE;
}
NodeRole role_of(int number) {
    return number == RAFT_VOTER ? NodeRole::voter : number == RAFT_STANDBY ? NodeRole::standby : NodeRole::spare;
}

/// What another thread waits for and the loop's thread settles.
class Waiter {
public:
    void settle(int status) {
        {
            const std::lock_guard lock(mutex_);
            status_ = status;
        }
        settled_.notify_all();
    }
    /// nullopt: the limit ended first.
    std::optional<int> wait(const Limit& limit) {
        std::unique_lock lock(mutex_);
        settled_.wait_until(lock, limit.stop(), limit.until(), [&] { return status_.has_value(); });
        return status_;
    }

private:
    std::mutex mutex_;
    std::condition_variable_any settled_;
    std::optional<int> status_;
};

/// A change of the group under way. libraft keeps the request until it calls back.
struct ChangeRequest {
    raft_change request{};
    std::shared_ptr<Waiter> waiter;
};
struct TransferRequest {
    struct raft_transfer request {};
    std::shared_ptr<Waiter> waiter;
};
struct Proposal {
    struct raft_apply request {};
    std::function<void(RaftEngine::Refusal)> refused;
};

/// Signals are for the agent's own threads.
void block_signals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

/// libuv's loop goes last.
struct EventLoop {
    EventLoop() {
        if (uv_loop_init(&loop) != 0) throw Error(ErrorKind::failed, "the store's event loop cannot be made");
    }
    ~EventLoop() { uv_loop_close(&loop); }
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;
    uv_loop_t loop{};
};

}  // namespace

/// Everything of the loop's thread; what is for others, too, is guarded by mutex_.
struct RaftEngine::Core : EventLoop, LogFiles {
    Core(const Options& options, LiveState& state, RaftTls& tls, Changed changed, const Log& log);
    ~Core() { stop(); }
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    void stop();
    bool post(std::function<void()> task);
    void propose(const std::string& entry, std::function<void(Refusal)> refused);
    void change(const Limit& limit, std::string_view what, const std::function<int(raft_change*)>& submit);
    void hand_over(std::uint64_t to, const std::shared_ptr<Waiter>& waiter);

    LiveState& state_;
    RaftTls& tls_;
    const Changed changed_;
    const std::string directory_;
    RaftTransport transport_;
    raft_io io_{};
    raft_fsm fsm_{};
    raft raft_{};
    std::mutex mutex_;
    View view_;
    std::vector<std::function<void()>> tasks_;
    raft_index log_at_start_ = 0;  // constant once the thread runs

private:
    enum class Phase { nothing, files, raft, over };
    static Core& of(raft_fsm* fsm) { return *static_cast<Core*>(fsm->data); }

    void require(int result, std::string_view what, const char* reason) const {
        if (result != 0)
            throw Error(ErrorKind::failed, fmt::format("the store cannot {} in {}: {} ({})", what, directory_, reason,
                                                       raft_strerror(result)));
    }
    void set_up_state();
    void start(const Options& options);
    void found(const Options& options);
    void shut_down();
    void end();
    void close_handles();
    void run_tasks();
    void publish();
    int begin_snapshot_of_log(raft_buffer** buffers, unsigned* count);

    uv_async_t tasks_waiting_{};
    uv_check_t after_turn_{};
    CommitNews news_{loop, raft_, io_};
    SnapshotSchedule schedule_{raft_};
    std::optional<std::tuple<int, raft_id, raft_term, raft_index, raft_index>> published_;
    Phase phase_ = Phase::nothing;
    bool down_ = false;    // libraft is being closed: it is not to be asked any more
    bool accepts_ = true;  // guarded by mutex_
    std::thread thread_;
};

RaftEngine::Core::Core(const Options& options, LiveState& state, RaftTls& tls, Changed changed, const Log& log)
    : LogFiles(
          loop, state,
          {.file = options.promises, .told = options.told, .witness = options.witness, .conflict = options.conflict},
          options.id, log),
      state_(state),
      tls_(tls),
      changed_(std::move(changed)),
      directory_(options.directory.string()),
      transport_(loop, tls) {
    const auto watch = [](uv_handle_t* handle, Core* self) { handle->data = self; };
    uv_async_init(&loop, &tasks_waiting_, [](uv_async_t* async) { static_cast<Core*>(async->data)->run_tasks(); });
    watch(reinterpret_cast<uv_handle_t*>(&tasks_waiting_), this);
    uv_check_init(&loop, &after_turn_);
    watch(reinterpret_cast<uv_handle_t*>(&after_turn_), this);
    uv_check_start(&after_turn_, [](uv_check_t* check) { static_cast<Core*>(check->data)->publish(); });
    set_up_state();
    try {
        start(options);
    } catch (...) {
        shut_down();
        uv_run(&loop, UV_RUN_DEFAULT);
        end();
        throw;
    }
    thread_ = std::thread([this] {
        block_signals();
        go_first();
        uv_run(&loop, UV_RUN_DEFAULT);
    });
    tls_.start(options.id, [this](const std::string& host_id, std::uint64_t member_id, Fd socket) {
        transport_.accept(host_id, member_id, std::move(socket));
    });
}

void RaftEngine::Core::set_up_state() {
    fsm_.version = 2;
    fsm_.data = this;
    fsm_.apply = [](raft_fsm* fsm, const raft_buffer* buffer, void** result) {
        auto& self = of(fsm);
        *result = nullptr;
        self.schedule_.applied(buffer->len);
        self.state_.apply(raft_last_applied(&self.raft_) + 1,
                          std::string(static_cast<const char*>(buffer->base), buffer->len));
        return 0;
    };
    fsm_.restore = [](raft_fsm* fsm, raft_buffer* buffer) {
        auto& self = of(fsm);
        // A snapshot that has just been installed is what is committed; at the start nothing is known to be.
        const auto index = raft_commit_index(&self.raft_);
        self.state_.restore(index == 0 ? self.loaded_snapshot() : index,
                            std::string_view(static_cast<const char*>(buffer->base), buffer->len));
        raft_free(buffer->base);
        return 0;
    };
    fsm_.snapshot = [](raft_fsm* fsm, raft_buffer** buffers, unsigned* count) {
        return of(fsm).begin_snapshot_of_log(buffers, count);
    };
    fsm_.snapshot_finalize = [](raft_fsm* fsm, raft_buffer** buffers, unsigned* count) {
        of(fsm).end_snapshot(buffers, count);
        return 0;
    };
}

void RaftEngine::Core::start(const Options& options) {
    const int made = raft_uv_init(&io_, &loop, directory_.c_str(), transport_.get());
    require(made, "keep its log", io_.errmsg);
    phase_ = Phase::files;
    // It would drop damaged files, and with them what was promised to be kept, and go on voting.
    raft_uv_set_auto_recovery(&io_, false);
    raft_uv_set_connect_retry_delay(&io_, kConnectAgainMs);
    raft_uv_set_disk_retry(&io_, kDiskAgainMs);
    raft_.data = static_cast<LogFiles*>(this);
    const int ready = raft_init(&raft_, &io_, &fsm_, options.id, options.host_id.c_str());
    require(ready, "open its log", raft_errmsg(&raft_));
    phase_ = Phase::raft;
    raft_.data = static_cast<LogFiles*>(this);
    guard(io_);
    raft_set_election_timeout(&raft_, kElectionMs);
    raft_set_heartbeat_timeout(&raft_, kHeartbeatMs);
    raft_set_install_snapshot_timeout(&raft_, kInstallMs);
    raft_set_pre_vote(&raft_, true);
    schedule_.begin();
    if (options.found) found(options);
    const int started = raft_start(&raft_);
    if (!promises().unusable().empty()) throw UnusableLog(promises().unusable());
    require(started, "read its log", raft_errmsg(&raft_));
    log_at_start_ = raft_last_index(&raft_);
    publish();
}

void RaftEngine::Core::found(const Options& options) {
    raft_configuration first;
    raft_configuration_init(&first);
    int result = raft_configuration_add(&first, options.id, options.host_id.c_str(), RAFT_VOTER);
    if (result == 0) result = raft_bootstrap(&raft_, &first);
    raft_configuration_close(&first);
    require(result, "begin its log", raft_errmsg(&raft_));
}

/// On the loop's thread, or before there is one.
void RaftEngine::Core::shut_down() {
    down_ = true;
    stopping();
    if (phase_ == Phase::raft)
        raft_close(&raft_,
                   [](raft* closed) { static_cast<Core*>(static_cast<LogFiles*>(closed->data))->close_handles(); });
    else
        close_handles();
}

/// After the loop's last turn.
void RaftEngine::Core::end() {
    if (phase_ == Phase::files || phase_ == Phase::raft) raft_uv_close(&io_);
    phase_ = Phase::over;
}

void RaftEngine::Core::close_handles() {
    for (auto* handle : {reinterpret_cast<uv_handle_t*>(&tasks_waiting_), reinterpret_cast<uv_handle_t*>(&after_turn_)})
        uv_close(handle, nullptr);
    news_.stop();
}

void RaftEngine::Core::stop() {
    if (!thread_.joinable()) return;
    give_up();
    post([this] {
        {
            const std::lock_guard lock(mutex_);
            accepts_ = false;
        }
        run_tasks();  // what came in between
        shut_down();
    });
    thread_.join();
    end();
    tls_.stop();
}

/// False: the engine has stopped, and the task will not run.
bool RaftEngine::Core::post(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    if (!accepts_) return false;
    tasks_.push_back(std::move(task));
    uv_async_send(&tasks_waiting_);
    return true;
}

void RaftEngine::Core::run_tasks() {
    std::vector<std::function<void()>> tasks;
    {
        const std::lock_guard lock(mutex_);
        tasks.swap(tasks_);
    }
    for (const auto& task : tasks) task();
}

/// After each turn of the loop: tells the others what has changed.
void RaftEngine::Core::publish() {
    if (phase_ != Phase::raft || down_) return;
    raft_id leader = 0;
    const char* address = nullptr;
    raft_leader(&raft_, &leader, &address);
    const bool leads = raft_state(&raft_) == RAFT_LEADER;
    const auto now = std::make_tuple(static_cast<int>(raft_state(&raft_)), leader, raft_current_term(&raft_),
                                     raft_.configuration_committed_index, raft_.configuration_uncommitted_index);
    promises().look(raft_);
    news_.look(leads);
    if (published_ == now) return;
    published_ = now;
    View view{.leader = {}, .leads = leads, .term = raft_current_term(&raft_)};
    for (unsigned i = 0; i < raft_.configuration.n; ++i) {
        const auto& server = raft_.configuration.servers[i];
        view.nodes.push_back({server.id, server.address, role_of(server.role)});
        if (server.id == raft_.id) view.role = role_of(server.role);
    }
    if (leader != 0 && address) view.leader = {leader, address, NodeRole::voter};
    {
        const std::lock_guard lock(mutex_);
        view_ = std::move(view);
    }
    changed_();
}

int RaftEngine::Core::begin_snapshot_of_log(raft_buffer** buffers, unsigned* count) {
    const int result = begin_snapshot(buffers, count);
    if (result != 0) return result;
    schedule_.taken();
    return 0;
}

void RaftEngine::Core::propose(const std::string& entry, std::function<void(Refusal)> refused) {
    raft_buffer buffer{raft_malloc(entry.size()), entry.size()};
    if (!buffer.base) return refused(Refusal::no_room);
    std::memcpy(buffer.base, entry.data(), entry.size());
    auto proposal = std::make_unique<Proposal>();
    proposal->refused = std::move(refused);
    proposal->request.data = proposal.get();
    const int result =
        raft_apply(&raft_, &proposal->request, &buffer, 1, [](struct raft_apply* request, int status, void*) {
            const std::unique_ptr<Proposal> done(static_cast<Proposal*>(request->data));
            if (status != 0) done->refused(Refusal::lost);
        });
    if (result == 0) {
        static_cast<void>(proposal.release());  // until it is called back
        return;
    }
    // Only these two say that the entry was not looked at, and the buffer is still ours.
    if (result == RAFT_NOTLEADER || result == RAFT_NOSPACE) raft_free(buffer.base);
    proposal->refused(result == RAFT_NOTLEADER ? Refusal::not_leader
                      : result == RAFT_NOSPACE ? Refusal::no_room
                                               : Refusal::lost);
}

void RaftEngine::Core::change(const Limit& limit, std::string_view what,
                              const std::function<int(raft_change*)>& submit) {
    auto waiter = std::make_shared<Waiter>();
    const bool posted = post([this, waiter, submit] {
        if (raft_state(&raft_) != RAFT_LEADER) return waiter->settle(RAFT_NOTLEADER);
        if (raft_.legacy.change || raft_.configuration_uncommitted_index != 0 || raft_transferee(&raft_) != 0)
            return waiter->settle(RAFT_CANTCHANGE);
        auto request = std::make_unique<ChangeRequest>();
        request->waiter = waiter;
        request->request.data = request.get();
        const int result = submit(&request->request);
        if (result != 0) return waiter->settle(result);
        static_cast<void>(request.release());  // until it is called back
    });
    if (!posted) throw Error(ErrorKind::unreachable, "the store is stopping");
    const auto result = waiter->wait(limit);
    if (!result) {
        limit.check(what);
        throw Error(ErrorKind::timed_out, fmt::format("timed out while {}", what));
    }
    if (*result == 0) {  // and whoever asks for the view now sees it
        auto published = std::make_shared<Waiter>();
        if (post([this, published] {
                publish();
                published->settle(0);
            }))
            published->wait(limit);
        return;
    }
    const bool conflict = *result == RAFT_NOTLEADER || *result == RAFT_CANTCHANGE || *result == RAFT_LEADERSHIPLOST;
    throw Error(conflict ? ErrorKind::conflict : ErrorKind::failed,
                fmt::format("the store refused a change of its members: {}", raft_strerror(*result)));
}

namespace {

void change_done(raft_change* request, int status) {
    const std::unique_ptr<ChangeRequest> done(static_cast<ChangeRequest*>(request->data));
    done->waiter->settle(status);
}

}  // namespace

void RaftEngine::Core::hand_over(std::uint64_t to, const std::shared_ptr<Waiter>& waiter) {
    if (raft_state(&raft_) != RAFT_LEADER || raft_.transfer) return waiter->settle(RAFT_NOTLEADER);
    auto request = std::make_unique<TransferRequest>();
    request->waiter = waiter;
    request->request.data = request.get();
    const int result = raft_transfer(&raft_, &request->request, to, [](struct raft_transfer* done) {
        const std::unique_ptr<TransferRequest> transferred(static_cast<TransferRequest*>(done->data));
        transferred->waiter->settle(0);
    });
    if (result != 0) return waiter->settle(result);  // there is no other voter
    static_cast<void>(request.release());
}

RaftEngine::RaftEngine(const Options& options, LiveState& state, RaftTls& tls, Changed changed, const Log& log)
    : core_(std::make_unique<Core>(options, state, tls, std::move(changed), log)) {}

RaftEngine::~RaftEngine() { stop(); }

std::uint64_t RaftEngine::id() const { return core_->raft_.id; }
std::uint64_t RaftEngine::log_at_start() const { return core_->log_at_start_; }

RaftEngine::View RaftEngine::view() const {
    const std::lock_guard lock(core_->mutex_);
    return core_->view_;
}

Promise RaftEngine::promised() const { return core_->promises().promised(); }

void RaftEngine::propose(std::string entry, const std::function<void(Refusal)>& refused) {
    auto& core = *core_;
    if (!core.post([&core, entry = std::move(entry), refused] { core.propose(entry, refused); }))
        refused(Refusal::not_leader);
}

void RaftEngine::add(std::uint64_t id, const std::string& host_id, const Limit& limit) {
    core_->change(limit, "adding a member to the store", [this, id, host_id](raft_change* request) {
        return raft_add(&core_->raft_, request, id, host_id.c_str(), change_done);
    });
}

void RaftEngine::assign(std::uint64_t id, NodeRole role, const Limit& limit) {
    core_->change(limit, "giving a member of the store a role", [this, id, role](raft_change* request) {
        const int result = raft_assign(&core_->raft_, request, id, role_number(role), change_done);
        // It notes the request before it knows that it will keep it.
        if (result != 0 && core_->raft_.legacy.change == request) core_->raft_.legacy.change = nullptr;
        return result;
    });
}

void RaftEngine::remove(std::uint64_t id, const Limit& limit) {
    core_->change(limit, "removing a member from the store",
                  [this, id](raft_change* request) { return raft_remove(&core_->raft_, request, id, change_done); });
}

void RaftEngine::hand_over(const Limit& limit, std::uint64_t to) {
    auto waiter = std::make_shared<Waiter>();
    auto& core = *core_;
    if (core.post([&core, waiter, to] { core.hand_over(to, waiter); })) waiter->wait(limit);
}

void RaftEngine::stop() { core_->stop(); }

std::uint64_t new_node_id() {
    for (;;) {
        std::uint64_t id = 0;
        if (RAND_bytes(reinterpret_cast<unsigned char*>(&id), sizeof id) != 1)
            throw Error(ErrorKind::internal, "the system gives no random bytes");
        if (id > RaftEngine::kFounder) return id;
    }
}

}  // namespace pgedge
