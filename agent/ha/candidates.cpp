#include "agent/ha/candidates.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace pgedge {
namespace {

/// After a restart a server counts what it receives anew, and has replayed more.
Lsn position(const Candidate& candidate) { return std::max(candidate.received, candidate.replayed); }

}  // namespace

bool descends_from(int timeline, const std::vector<TimelineSwitch>& history, int before, Lsn position) {
    if (timeline == before) return true;
    return std::any_of(history.begin(), history.end(),
                       [&](const TimelineSwitch& change) { return change.parent == before && change.at >= position; });
}

std::vector<std::string> reasons_against(const Candidate& candidate, const LastPrimary& last,
                                         const CandidateLimits& limits) {
    std::vector<std::string> reasons;
    const auto unless = [&](bool holds, std::string reason) {
        if (!holds) reasons.push_back(std::move(reason));
    };
    unless(candidate.running, "it does not run");
    unless(!candidate.leaving, "it is being removed");
    unless(candidate.system_identifier == last.system_identifier, "its data is of another database system");
    unless(candidate.complete, "its copy of the primary was not finished");
    unless(candidate.guarded, "its guard or watchdog is not ready");
    unless(candidate.disk_has_room, "its disk is almost full");
    if (limits.forced) return reasons;

    unless(candidate.streaming, "it does not stream from the primary, nor has it all of the archive");
    unless(candidate.slots_ready, "the replication slots of the other nodes are not ready on it");
    unless(candidate.archive_answers, "its restore_command does not answer");
    unless(!candidate.nofailover, "it is tagged nofailover");
    unless(!candidate.delayed_by_user, "its replay is paused or delayed by a setting");
    unless(candidate.may_acknowledge, "it is not sure to have every acknowledged commit");
    const Lsn parted = last.position.value_or(Lsn{});
    unless(descends_from(candidate.timeline, candidate.history, last.timeline, std::min(parted, position(candidate))),
           fmt::format("its timeline {} does not come from the last primary's timeline {}", candidate.timeline,
                       last.timeline));
    if (limits.max_lag_bytes && last.position) {
        const auto lag = bytes_between(position(candidate), *last.position);
        unless(lag <= *limits.max_lag_bytes,
               fmt::format("it is {} bytes behind the last primary, more than {}", lag, *limits.max_lag_bytes));
    }
    return reasons;
}

bool is_better(const Candidate& left, const Candidate& right) {
    const auto rank = [](const Candidate& candidate) {
        return std::tuple(position(candidate), candidate.priority, candidate.replayed);
    };
    if (rank(left) != rank(right)) return rank(left) > rank(right);
    return left.instance_id < right.instance_id;
}

Standing standing_of(const std::string& me, const std::vector<Candidate>& all, std::size_t unknown,
                     const LastPrimary& last, const CandidateLimits& limits) {
    const auto mine = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.instance_id == me; });
    if (mine == all.end()) return Standing::unsure;
    if (!reasons_against(*mine, last, limits).empty()) return Standing::ineligible;
    for (const auto& other : all)
        if (other.instance_id != me && is_better(other, *mine) && reasons_against(other, last, limits).empty())
            return Standing::behind;
    return unknown > 0 ? Standing::unsure : Standing::best;
}

}  // namespace pgedge
