#include <algorithm>

#include <fmt/format.h>

#include "agent/ha/instance_seen.hpp"
#include "agent/postgres/control_data.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/base/uuid.hpp"
#include "common/orchestrate/names.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kStepLimit = 2s;
constexpr auto kFirstCheckpoint = 10min;  ///< nobody is kept from anything meanwhile
constexpr auto kCleanStop = 60s;
constexpr std::uint64_t kMostBehind = 16 << 20;  ///< of a candidate, before the primary is stopped
constexpr std::chrono::nanoseconds kUnanswered = 15s;

}  // namespace

/// The primary's part: it ends in good order, and gives the lease to the candidate. Without one that can take over
/// nothing is stopped.
void InstanceLoop::switch_over(const Seen& seen) {
    begin(Job::switch_over, [this, node = seen.node](const std::stop_token& stop) {
        HaRequest request = *node.request;
        try {
            hand_over(request, node, stop);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) throw;
            end_request(request.task_id, TaskStatus::failed, error.what(), Limit(kStepLimit, stop));
            throw;
        }
    });
}

void InstanceLoop::hand_over(HaRequest& request, const HaNode& node, const std::stop_token& stop) {
    const auto now = ground_.clock.wall();
    const auto id = place_.instance_id;
    if (request.state == HaRequest::State::waiting && request.due && now - *request.due > kMissedAfter)
        throw Error(ErrorKind::timed_out, "its time has passed while nobody could begin it", "ask for it again");
    if (request.candidate == id) {
        end_request(request.task_id, TaskStatus::completed, id + " is the primary already", Limit(kStepLimit, stop));
        return;
    }
    LocalServer hand(ground_.runtime, paths_);
    if (request.state == HaRequest::State::waiting) {
        request.candidate = choose_candidate(request, node, hand, Limit(kStepLimit, stop));
        Transaction transaction;
        transaction.add(ground_.leases.still_mine(lease_));
        transaction.add(HaRequests::begin(request, fmt::format("{} hands over to {}", id, request.candidate), now));
        if (!ground_.store.commit(transaction, Limit(kStepLimit, stop)).committed) return;  // canceled meanwhile
    }
    // So that the last one, which ends the server, has little to write.
    hand.checkpoint(Limit(kFirstCheckpoint, stop));
    choose_candidate(request, node, hand, Limit(kStepLimit, stop));
    hand.forget_session();
    try {
        ground_.runtime.stop(id, StopMode::fast, Limit(kCleanStop, stop));
        request.end = end_of_log(Limit(kStepLimit, stop));
    } catch (const Error& error) {
        if (!request.forced || error.kind() == ErrorKind::cancelled) throw;
        ground_.runtime.stop(id, StopMode::immediate, Limit(kCleanStop, stop));
    }
    give_to(request, stop);
}

/// One that streams and is not far behind: with nobody connected to it a primary that stops waits for nobody.
std::string InstanceLoop::choose_candidate(const HaRequest& request, const HaNode& node, LocalServer& hand,
                                           const Limit& limit) {
    const auto followers = hand.followers(limit);
    std::string best, why;
    std::uint64_t least = 0;
    for (const auto& member : node.members) {
        if (member.instance_id == place_.instance_id) continue;
        if (!request.candidate.empty() && member.instance_id != request.candidate) continue;
        const auto follower = std::find_if(followers.begin(), followers.end(), [&](const auto& each) {
            return each.name == physical_slot_name(member.instance_id);
        });
        const auto refuse = [&](const std::string& reason) {
            why += (why.empty() ? "" : "; ") + member.instance_id + ": " + reason;
        };
        if (follower == followers.end()) {
            refuse("it does not stream from the primary");
            continue;
        }
        if (follower->behind > kMostBehind && !request.forced) {
            refuse(fmt::format("it is {} bytes behind", follower->behind));
            continue;
        }
        if (member.told && !request.forced) {
            LastPrimary here{place_.instance_id, member.told->system_identifier, member.told->timeline, {}};
            if (const auto reasons = reasons_against(*member.told, here, {}); !reasons.empty()) {
                refuse(joined(reasons, ", "));
                continue;
            }
        }
        if (!best.empty() && follower->behind >= least) continue;
        best = member.instance_id;
        least = follower->behind;
    }
    if (best.empty())
        throw Error(ErrorKind::conflict, "no instance can take over: " + (why.empty() ? "there is no other" : why));
    return best;
}

/// Where the log of the server, which was shut down, ends: at its last checkpoint.
Lsn InstanceLoop::end_of_log(const Limit& limit) {
    const auto data = parse_control_data(
        ground_.runtime.command({spec().value().bin_dir, "pg_controldata", {"-D", paths_.data().string()}}, limit));
    if (data.state != "shut down")
        throw Error(ErrorKind::failed, fmt::format("{} did not shut down in good order: its control file says \"{}\"",
                                                   place_.instance_id, data.state));
    return data.checkpoint;
}

/// R12: the lease goes with the position, in one commit.
void InstanceLoop::give_to(const HaRequest& asked, const std::stop_token& stop) {
    HaRequest request = asked;
    const auto seen = ground_.leases.seen(lease_);
    const auto back = ground_.leases.give_back(lease_);
    if (!seen || !back) throw Error(ErrorKind::conflict, "the lease was lost meanwhile");
    request.term = seen->epoch;
    Transaction transaction;
    transaction.vital = true;
    transaction.add(*back);
    transaction.add(HaRequests::give(request));
    transaction.add(HaRequests::log(request.task_id,
                                    fmt::format("{} has ended at {}, and the lease is given to {}", place_.instance_id,
                                                to_string(request.end), request.candidate),
                                    ground_.clock.wall()));
    try {
        if (!ground_.store.commit(transaction, Limit(kStepLimit, stop)).committed) {
            Transaction alone;  // whatever became of the request, nothing of the server lives
            alone.vital = true;
            alone.add(*back);
            ground_.store.commit(alone, Limit(kStepLimit, stop));
        }
    } catch (const Error& error) {
        // Given or not, the request says; if not, the lease is taken again, and all of it begins anew.
        log_.warn("it is not known whether the lease was given to the candidate",
                  {{"instance", place_.instance_id}, {"candidate", request.candidate}, {"reason", error.what()}});
    }
    ground_.held_lease();
}

/// A user stops this instance. Of a primary the others hear where it ended: who has all of that may take over.
void InstanceLoop::shut_down(const Seen& seen) {
    if (seen.observation.phase == ServerPhase::primary) {
        begin(Job::switch_over, [this, node = seen.node](const std::stop_token& stop) { end_primary(node, stop); });
        return;
    }
    begin(Job::stop, [this](const std::stop_token& stop) {
        ground_.runtime.stop(place_.instance_id, StopMode::fast, Limit(kCleanStop, stop));
    });
}

void InstanceLoop::end_primary(const HaNode& node, const std::stop_token& stop) {
    const auto seen = ground_.leases.seen(lease_);
    LastPrimary last{place_.instance_id, 0, 0, {}};
    std::optional<Lsn> begins;
    const auto try_to = [&](const char* what, const auto& work) {
        try {
            work();
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) throw;
            log_.warn(what, {{"instance", place_.instance_id}, {"reason", error.what()}});
        }
    };
    try_to("a primary that a user stops could not be looked at before", [&] {
        LocalServer hand(ground_.runtime, paths_);
        const auto now = hand.look(Limit(kStepLimit, stop));
        last.system_identifier = now.system_identifier;
        last.timeline = now.timeline;
        if (!now.history.empty()) begins = now.history.back().at;
        hand.checkpoint(Limit(kFirstCheckpoint, stop));
    });
    ground_.runtime.stop(place_.instance_id, StopMode::fast, Limit(kCleanStop, stop));
    try_to("it is not known where the log of a stopped primary ends",
           [&] { last.position = end_of_log(Limit(kStepLimit, stop)); });
    const auto back = ground_.leases.give_back(lease_);
    if (!seen || !back) throw Error(ErrorKind::conflict, "the lease was lost while the primary was stopped");
    Transaction transaction;
    transaction.vital = true;
    transaction.add(*back);
    if (last.position && last.timeline > 0) transaction.add(HaTable::position(node, last, begins, seen->epoch));
    ground_.store.commit(transaction, Limit(kStepLimit, stop));
    ground_.held_lease();
}

/// The new primary's part: what its beginning means for what was asked for. A failover that nobody asked for is told as
/// a task as well.
std::vector<Statement> InstanceLoop::end_of_request(const HaNode& node, const HaChange& change) const {
    const auto now = ground_.clock.wall();
    const std::string about =
        fmt::format("{} is the primary, term {}, timeline {}", change.instance_id, change.term, change.timeline);
    const auto& request = node.request;
    if (request && !(request->state == HaRequest::State::waiting && !request->is_due(now))) {
        if (request->candidate.empty() || request->candidate == change.instance_id)
            return HaRequests::end(request->task_id, TaskStatus::completed, about, now);
        return HaRequests::end(request->task_id, TaskStatus::failed, fmt::format("superseded by failover: {}", about),
                               now);
    }
    if (change.from_instance.empty()) return {};
    Task task;
    task.id = new_uuid();
    task.scope = "database";
    task.entity_id = task.database_id = node.database_id;
    task.type = "failover";
    task.status = TaskStatus::completed;
    task.node_name = node.name;
    task.instance_id = change.instance_id;
    task.created_at = now;
    task.completed_at = now;
    return {
        Tasks::insert(task, TaskStage::none, Json::object()),
        HaRequests::log(task.id,
                        fmt::format("{} took over from {}: {}", change.instance_id, change.from_instance, change.cause),
                        now),
        HaRequests::log(
            task.id,
            fmt::format("{} bytes of the log that the last primary had told of are lost, and what it wrote after that",
                        change.lost_bytes),
            now),
        HaRequests::log(task.id, about, now)};
}

/// A request that nobody can answer must not stay open: while there is no primary, any standby may end it.
void InstanceLoop::look_after_request(const Seen& seen, const Limit& limit) {
    const auto& request = seen.node.request;
    const auto now = ground_.clock.monotonic();
    if (!request || !request->is_due(ground_.clock.wall())) {
        unanswered_request_.reset();
        return;
    }
    if (!unanswered_request_ || unanswered_request_->first != request->task_id)
        unanswered_request_ = {request->task_id, now};
    if (now - unanswered_request_->second < kUnanswered + std::chrono::nanoseconds(ttl())) return;
    std::string why;
    for (const auto& member : seen.node.members) {
        const auto reasons = member.told ? reasons_against(*member.told, seen.node.last.value_or(LastPrimary{}),
                                                           {.max_lag_bytes = max_lag_bytes_, .forced = request->forced})
                                         : std::vector<std::string>{"it has told nothing of itself"};
        why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", member.instance_id,
                           reasons.empty() ? "it may" : joined(reasons, ", "));
    }
    end_request(request->task_id, TaskStatus::failed, "no instance has taken over: " + why, limit);
}

/// It ends with the node whole again, and when its time is over: then what is stopped stays so.
void InstanceLoop::look_after_manual_mode(const Seen& seen, const Limit& limit) {
    if (!seen.node.manual) return;
    const auto followers = eye_.followers(limit);
    const bool whole = std::all_of(seen.node.members.begin(), seen.node.members.end(), [&](const HaMember& member) {
        if (member.instance_id == place_.instance_id) return true;
        return !member.stopped && std::any_of(followers.begin(), followers.end(), [&](const Follower& each) {
            return each.name == physical_slot_name(member.instance_id);
        });
    });
    const bool over = ground_.clock.wall() >= seen.node.manual->until;
    if (!whole && !over) return;
    Transaction transaction;
    transaction.add(ManualModes::end(place_.database_id, place_.node, over));
    ground_.store.commit(transaction, limit);
}

void InstanceLoop::end_request(const std::string& task_id, TaskStatus status, const std::string& about,
                               const Limit& limit) {
    Transaction transaction;
    transaction.add(HaRequests::end(task_id, status, about, ground_.clock.wall()));
    ground_.store.commit(transaction, limit);
}

}  // namespace pgedge
