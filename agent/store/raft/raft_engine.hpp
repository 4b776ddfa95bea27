#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/store/raft/node_info.hpp"
#include "agent/store/raft/promises.hpp"
#include "agent/store/raft/raft_tls.hpp"
#include "agent/store/state/live_state.hpp"
#include "common/base/limit.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// This host's member of the Raft group: libraft on one thread with one event loop, its log in a directory, its
/// messages over RaftTls, its committed entries handed to a LiveState. Runs from construction to stop(). libuv's
/// pool, which does the file work and connects, takes its size from UV_THREADPOOL_SIZE when the process starts: 16 is
/// right. Safe from any thread; calls that wait take a limit.
class RaftEngine {
public:
    /// The member that makes a new cluster has this id, and no other may.
    static constexpr std::uint64_t kFounder = 1;

    struct Options {
        std::uint64_t id = 0;
        std::string host_id;
        std::filesystem::path directory;  ///< of the log alone; must exist
        bool found = false;               ///< make a new cluster of this member; the directory is empty
        std::filesystem::path promises;   ///< file of what this member promised, not in the log's directory
        Promise told{};                   ///< what the other members know of its promises
        Witness* witness = nullptr;       ///< gets what this member knows of theirs
        /// Told once, from the loop's thread, that the log here contradicts the group's: this member is dumb and deaf
        /// from then on. Must not block.
        std::function<void(const std::string&)> conflict = [](const std::string&) {};
    };
    /// What the group looks like from here.
    struct View {
        NodeInfo leader{};  ///< id 0: this member knows none
        bool leads = false;
        std::uint64_t term = 0;
        std::vector<NodeInfo> nodes{};  ///< as this member knows them, committed or not
        /// What this member is; a spare, when it is none of them.
        NodeRole role = NodeRole::spare;
    };
    /// Told from the loop's thread when the view has changed. Must not block.
    using Changed = std::function<void()>;

    /// Throws UnusableLog when the log is older than what this member promised, or damaged, Error{failed} with
    /// libraft's reason.
    RaftEngine(const Options& options, LiveState& state, RaftTls& tls, Changed changed, const Log& log);
    ~RaftEngine();
    RaftEngine(const RaftEngine&) = delete;
    RaftEngine& operator=(const RaftEngine&) = delete;

    std::uint64_t id() const;
    /// Index of the newest entry in the log when this member started; 0: it was empty.
    std::uint64_t log_at_start() const;
    View view() const;
    /// What this member has on its disk and may have told others.
    Promise promised() const;

    enum class Refusal {
        not_leader,  ///< it was not taken
        no_room,     ///< it was not taken: the disks of a majority are full
        lost,        ///< leadership was lost: whether it will be applied is not known
    };
    /// Proposes an entry. When it is applied, LiveState tells; when it is not to be waited for any longer, `refused`
    /// is called, once, from the loop's thread or from this one.
    void propose(std::string entry, const std::function<void(Refusal)>& refused);

    /// Changes of the group, on the leader only; one at a time. Throw Error{conflict} when this member does not lead or
    /// another change is under way, Error{timed_out} (it may still happen), Error{failed}.
    void add(std::uint64_t id, const std::string& host_id, const Limit& limit);  ///< as a spare
    void assign(std::uint64_t id, NodeRole role, const Limit& limit);
    void remove(std::uint64_t id, const Limit& limit);
    /// Hands leadership to voter `to`, or (0) to any other that is up to date. Nothing to do when this member does not
    /// lead.
    void hand_over(const Limit& limit, std::uint64_t to = 0);
    void stop();

private:
    struct Core;
    const std::unique_ptr<Core> core_;
};

/// A random id that no other member has, for every member but the founder.
std::uint64_t new_node_id();

}  // namespace pgedge
