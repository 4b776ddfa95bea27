#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/ha/ha_ground.hpp"
#include "agent/ha/ha_table.hpp"
#include "agent/ha/logical_slots.hpp"
#include "agent/ha/slot_copies.hpp"
#include "agent/postgres/connection.hpp"
#include "agent/resources/postgres_certs.hpp"

namespace pgedge {

/// What the links with the other nodes of its database need so that this instance's node can change its primary
/// (agent/ha/logical_slots.hpp): on a standby copies of the primary's slots, on the primary a second slot at each
/// provider, and after a promotion the comparison of positions before a link goes on. In a database of one node there
/// is nothing to do. A thread of its own, because other hosts may not answer.
class LinkKeeper {
public:
    /// What the loop knows of its instance, and this has to.
    struct View {
        enum class Role { other, standby, primary };
        Role role = Role::other;
        std::int64_t term = 0;
        std::optional<HaMember> primary;      ///< of a standby: whom it follows
        bool by_hand = false;                 ///< users look after the node: nothing is restarted for its links
        std::vector<std::string> members;     ///< of a primary: the physical slots of those that may take over
        std::vector<TimelineSwitch> history;  ///< of a primary's timeline
    };

    /// `restart`: lets the server start again as the standby that it is, or does nothing when it is none any more.
    LinkKeeper(const HaGround& ground, HaTable::Place place, std::function<void(const Limit&)> restart);
    ~LinkKeeper();
    LinkKeeper(const LinkKeeper&) = delete;
    LinkKeeper& operator=(const LinkKeeper&) = delete;

    /// Begins nothing more. Returns when nothing is under way.
    void end();
    void see(View view);
    /// Ready: a standby has a copy of each slot of the primary, and each can be continued.
    SlotCopies::Readiness readiness() const;
    /// The agent's earlier start had told that it is, under the primary of `term`.
    void remember_ready(std::int64_t term);
    /// Right before a promotion. Nothing goes on by itself after it.
    void before_promotion(const Limit& limit);

private:
    struct Home {
        std::string database;
        const ReplicationDialect* dialect;
    };
    /// A position at a provider that may be passed on to its second slot once all members have that much of our log.
    struct Pending {
        Lsn confirmed, written;
    };

    void run(const std::stop_token& stop);
    std::optional<Home> home(const Limit& limit) const;
    void begin_anew_unless_same(const View& view);
    Connection& session(const std::string& key, const std::function<Connection()>& make);
    Connection& here(const Home& home, const Limit& limit);
    Connection& node(const OtherNode& other, const Limit& limit);
    Connection& member(const Home& home, const HaMember& member, const Limit& limit);
    Connection connect(const std::string& dsn, const Limit& limit) const;

    void tend_standby(const Home& home, const View& view, const Limit& limit);
    bool copy_slot(Session& primary, const std::string& source, const std::string& slot, Lsn replayed, int major) const;
    void keep_good(const std::map<std::string, LogicalSlot>& ours);
    bool is_good(const std::string& copy) const;
    void set_ready(bool ready);
    void tend_primary(const Home& home, const View& view, const Limit& limit);
    void go_on_after_promotion(const Home& home, const View& view, Session& own, const std::vector<OtherNode>& others,
                               const Limit& limit);
    void settle_ours(const Home& home, Session& own, const OtherNode& other, const Limit& limit);
    void settle_theirs(const Home& home, const View& view, Session& own, const OtherNode& other, const Limit& limit);
    void keep_second_slot(const View& view, Session& own, Session& provider, const OtherNode& other,
                          const Limit& limit);

    const HaGround& ground_;
    const HaTable::Place place_;
    const InstancePaths paths_;
    const CertificateFiles certificates_;
    const std::function<void(const Limit&)> restart_;

    // Of the thread.
    std::map<std::string, std::uint32_t> safe_from_;  ///< by slot: what the primary keeps of its catalogs for us
    std::map<std::string, Pending> pending_;          ///< by slot
    std::map<std::string, Connection> sessions_;
    std::string warned_;

    mutable std::mutex mutex_;  ///< guards what follows
    std::condition_variable_any changed_;
    View view_;
    bool woken_ = true;
    SlotCopies copies_;

    std::jthread thread_;
};

}  // namespace pgedge
