#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "agent/ha/decide.hpp"
#include "agent/ha/ha_ground.hpp"
#include "agent/ha/ha_table.hpp"
#include "agent/ha/instance_health.hpp"
#include "agent/ha/link_keeper.hpp"
#include "agent/ha/local_server.hpp"
#include "agent/ha/sync_server.hpp"
#include "common/base/limited_mutex.hpp"

namespace pgedge {

/// High availability of one instance of this host: observes, decides (decide()), and acts, again and again, when
/// something happens and at least once in each period. One thread looks and decides; what takes long is done by a
/// second one, so that a server that must go goes in the middle of it.
class InstanceLoop {
public:
    /// What the runtime keeps as the owner of servers (StartAs::owner).
    static constexpr const char* kOwner = "high availability";

    InstanceLoop(const HaGround& ground, HaTable::Place place);
    /// Leaves the server as it is.
    ~InstanceLoop();
    InstanceLoop(const InstanceLoop&) = delete;
    InstanceLoop& operator=(const InstanceLoop&) = delete;

    const HaTable::Place& place() const { return place_; }

    /// As ServerOwner's. Plans decide that a server runs and with which configuration, this loop as what.
    void start(const ServerSpec& server, const Limit& limit);
    void restart(const Limit& limit);
    void stop(StopMode mode, const Limit& limit);
    /// What a user asked for stands in the store (Instance::stopped), and this loop acts by that. These return when it
    /// is so: the server accepts connections; it is down, and the lease is given back. `store_it` writes that it is to
    /// run: not before this loop knows that somebody asked for it.
    void bring_up(const std::function<void()>& store_it, const Limit& limit);
    void take_down(const Limit& limit);

    // For any thread; none of them waits.
    void wake();
    void ended(const ServerEnd& end);
    /// The lease was renewed: the server may live longer.
    void renewed();
    bool holds() const;
    /// Of the lease, by the node's policy as last seen.
    std::chrono::milliseconds ttl() const { return ttl_; }
    /// How often it needs a renewal: by the nearer of what others wait for and what they shall wait for.
    std::chrono::nanoseconds renew() const;
    /// Its server is the primary, and has told so.
    bool serves() const;
    /// Its server is no more: gives the lease back, if it has it.
    void resign(const Limit& limit);
    /// As of the last pass; whether it may write, and whether it is being stopped, as of now.
    InstanceHealth health() const;
    /// What is to travel with the next beat.
    std::optional<Statement> position() const;

    /// The agent ends and will be back soon: others wait longer. Only when this loop has ended.
    void lengthen(std::chrono::milliseconds hold, const Limit& limit);
    void end();

private:
    enum class Job { none, start, rejoin, promote, serve, sync, stop, switch_over };
    struct Seen;

    void run(const std::stop_token& stop);
    std::chrono::nanoseconds pass(const std::stop_token& stop);
    void wait(const std::stop_token& stop, std::chrono::nanoseconds pause);
    void work(const std::stop_token& stop);
    bool begin(Job job, std::function<void(const std::stop_token&)> what);

    bool is_known();
    Seen look(const std::stop_token& stop);
    void follow_policy(const HaNode& node);
    void look_at_lease(Seen& seen, const std::stop_token& stop);
    void look_at_request(Seen& seen);
    void look_at_server(Seen& seen, const std::stop_token& stop);
    void compare(Seen& seen);
    Candidate candidate(const Seen& seen);
    void note_health(const Seen& seen);
    void act(const Seen& seen, const Decision& decision, const std::stop_token& stop);
    void kill();
    void tell(const Seen& seen, std::int64_t term, const Limit& limit);
    void show_links(const Seen& seen);
    void restart_standby(const Limit& limit);
    void keep_up(const Seen& seen, const Limit& limit);
    std::vector<std::string> slots_of_others(const HaNode& node) const;
    void take(const Seen& seen, std::string_view why, const Limit& limit);
    void adopt(const Seen& seen, const Limit& limit);
    void give_up(const Seen& seen, StopMode mode);
    void start_as(ServerRole role);
    void shut_down(const Seen& seen);
    void end_primary(const HaNode& node, const std::stop_token& stop);
    bool is_stopped_by_user() const;
    void wait_until_it_runs(std::int64_t failed_before, const Limit& limit);
    void rejoin(const Seen& seen);
    void copy(const Seen& seen);
    const HaMember* source_to_follow(const Seen& seen, std::chrono::nanoseconds pause);
    void check_source(const HaNode& node, const HaMember& primary, const Limit& limit);
    void forget_what_was_told(const Limit& limit);
    bool is_silent(const HaMember& member) const;
    void look_at_sync(Seen& seen, const std::stop_token& stop);
    std::optional<SyncStep> next_step(const HaNode& node, SyncLook look) const;
    void fix_sync();
    bool store_sync(const HaNode& node, const StoredSyncSet& set, const Limit& limit);
    bool forget_sync(const HaNode& node, const Limit& limit);
    void prepare_promotion(const Seen& seen, const Limit& limit);
    /// A switchover's: what was the primary ended in good order, and this has all of its log, which ends at `end`.
    bool is_given(const HaNode& node, std::int64_t taken_from, Lsn end) const;
    void note_position(const Seen& seen);
    void look_whether_it_can_follow(Seen& seen);
    /// A file or directory next to the data, and on the same disk.
    std::filesystem::path beside_data(std::string_view name) const;
    static constexpr std::string_view kRewinding = "pgdata.rewinding";  ///< a mark, as long as pg_rewind is at work
    static constexpr std::string_view kOldData = "pgdata.old";          ///< what a copy replaced
    static constexpr std::string_view kMark = "instance";  ///< that this is the disk of the instance, by its id
    void settle_hold(const HaNode& node, const Limit& limit);
    bool lengthen_for_maintenance(const HaNode& node, const Limit& limit);
    void release(const Seen& seen, const Limit& limit);
    void refuse(const Seen& seen, const Limit& limit);
    void tend(const Seen& seen, const Limit& limit);
    void forget_old_data(const Seen& seen);
    void rewind(const HaMember& primary, const Limit& limit);
    struct Branch {
        int timeline = 0;
        std::optional<Lsn> begins;
    };
    Branch newest_timeline() const;
    void promote(const Seen& seen);
    void serve(const Seen& seen);
    std::vector<Statement> end_of_request(const HaNode& node, const HaChange& change) const;

    void switch_over(const Seen& seen);
    void hand_over(HaRequest& request, const HaNode& node, const std::stop_token& stop);
    std::string choose_candidate(const HaRequest& request, const HaNode& node, LocalServer& hand, const Limit& limit);
    Lsn end_of_log(const Limit& limit);
    void give_to(const HaRequest& request, const std::stop_token& stop);
    void look_after_request(const Seen& seen, const Limit& limit);
    void look_after_manual_mode(const Seen& seen, const Limit& limit);
    void end_request(const std::string& task_id, TaskStatus status, const std::string& about, const Limit& limit);

    std::optional<ServerDeadline> deadline() const;
    StartAs as(ServerRole role) const;
    StartAs as_now(const Limit& limit);
    std::optional<ServerSpec> spec();
    std::string source_dsn(const HaMember& primary) const;

    const HaGround& ground_;
    const HaTable::Place place_;
    const std::string lease_;
    const InstancePaths paths_;
    const Log log_;
    HaTable table_;

    LimitedMutex operation_;  ///< held while anybody changes whether and as what the server runs

    // Of the looking thread.
    LocalServer eye_;
    ServerPhase phase_ = ServerPhase::absent;
    std::chrono::nanoseconds phase_since_{};
    std::optional<std::chrono::nanoseconds> open_since_, silent_until_, unanswered_since_;
    std::int64_t open_term_ = -1;
    bool contends_ = false;
    std::chrono::nanoseconds slots_tended_{};
    std::atomic<int> rewinds_failed_{0};
    std::atomic<bool> cleaning_{false};
    std::atomic<bool> resumes_{false};  ///< somebody asked for its start
    std::atomic<std::chrono::milliseconds> ttl_{kLeaseTtl};
    std::uint64_t max_lag_bytes_ = kMaxLagBytes;
    std::atomic<bool> as_usual_{true};  ///< its deadline is never later than the usual hold allows
    bool refused_ = false;
    SyncServer sync_eye_;
    std::int64_t unsynced_term_ = -1;  ///< of the lease under which the server was seen to wait for nobody of ours
    std::atomic<std::int64_t> prepared_term_{-1}, refused_term_{-1};
    std::atomic<std::chrono::nanoseconds> next_sync_{}, next_count_{};
    bool streamed_ = false, complete_ = false, remembers_ = false;
    std::optional<std::pair<std::string, std::chrono::nanoseconds>> unanswered_request_;  ///< its task, since when
    std::optional<std::chrono::nanoseconds> stands_since_;  ///< it streams nothing and replays nothing
    Lsn stood_at_;
    std::string told_;  ///< what was told last, as text
    std::string said_;  ///< the last decision that was logged

    mutable std::mutex mutex_;  ///< guards what follows; never held while anything is called
    std::condition_variable_any changed_;
    bool woken_ = true;
    Job job_ = Job::none;
    std::function<void(const std::stop_token&)> job_work_;
    std::deque<std::chrono::nanoseconds> crashes_;
    std::optional<ServerSpec> spec_;  ///< that a plan asked for
    bool kept_down_ = false;          ///< a plan stopped it
    std::string last_error_;          ///< of the last start that failed
    std::int64_t failed_starts_ = 0;
    std::chrono::nanoseconds next_start_{};
    bool promoting_ = false;
    std::optional<StopMode> giving_up_;  ///< as soon as what is under way has ended
    std::string warned_;                 ///< of what was under way
    std::int64_t served_term_ = -1;
    bool checkpoint_due_ = false;  ///< of a primary that serves: nobody can be rewound to it before
    std::string cause_;            ///< of the take that made it the holder
    std::optional<LastPrimary> position_;
    std::optional<Lsn> begins_;             ///< of its timeline
    std::optional<HaNode> node_;            ///< as last seen
    InstanceHealth health_;                 ///< as last seen …
    std::chrono::nanoseconds health_at_{};  ///< … at this monotonic time; 0: never

    LinkKeeper links_;
    std::jthread cleaner_, worker_, loop_;
};

}  // namespace pgedge
