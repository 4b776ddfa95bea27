#include "agent/ha/sync_policy.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/orchestrate/names.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kAny = "ANY ";

Lsn end_of(const Candidate& candidate) { return std::max(candidate.received, candidate.replayed); }

/// `voter` has nothing that `candidate` lacks.
bool votes_for_it(const Candidate& voter, const Candidate& candidate) {
    return end_of(voter) <= end_of(candidate) &&
           descends_from(candidate.timeline, candidate.history, voter.timeline, end_of(voter));
}

/// Ids of instances have no underscore, so that nothing is lost on the way there and back.
std::string instance_of(const std::string& name) {
    std::string id = name;
    std::replace(id.begin(), id.end(), '_', '-');
    return physical_slot_name(id) == name ? id : name;
}

}  // namespace

Votes votes_for(const SyncState& state, const Candidate& candidate, const std::vector<Candidate>& told) {
    if (candidate.instance_id == state.primary) return Votes::enough;
    const auto& members = state.set.members;
    if (members.empty()) return Votes::too_few;
    int needed = state.set.votes + (members.contains(candidate.instance_id) ? 0 : 1), missing = 0;
    for (const auto& member : members) {
        if (member == candidate.instance_id) continue;
        const auto voter =
            std::find_if(told.begin(), told.end(), [&](const auto& each) { return each.instance_id == member; });
        if (voter == told.end())
            ++missing;
        else if (votes_for_it(*voter, candidate))
            --needed;
    }
    if (needed <= 0) return Votes::enough;
    return needed <= missing ? Votes::missing : Votes::too_few;
}

WantedSyncSet wanted_sync_set(const HaPolicy& policy, const std::set<std::string>& usable, const StoredSyncSet& stored,
                              const ServerSyncSet& server) {
    WantedSyncSet wanted;
    if (policy.mode == HaPolicy::Mode::async) return wanted;
    wanted.strict = policy.strict;
    const auto most = static_cast<std::size_t>(policy.sync_replicas);
    if (policy.mode == HaPolicy::Mode::quorum) {
        wanted.members = usable;
    } else {
        for (const auto* known : {&server.members, &stored.members, &usable})
            for (const auto& member : *known)
                if (wanted.members.size() < most && usable.contains(member)) wanted.members.insert(member);
    }
    wanted.copies = static_cast<int>(std::min(most, wanted.members.size()));
    return wanted;
}

std::optional<SyncStep> sync_step(const StoredSyncSet& stored, const ServerSyncSet& server,
                                  const WantedSyncSet& wanted) {
    // Commits are acknowledged without a copy: no standby is sure to have them.
    if (server.copies == 0 && !stored.members.empty()) return SyncStep{false, {}, {}, 0};
    return next_sync_step(stored, server, wanted);
}

std::string standby_names(const ServerSyncSet& set) {
    if (set.members.empty()) return "";
    std::vector<std::string> names;
    for (const auto& member : set.members) names.push_back('"' + physical_slot_name(member) + '"');
    return fmt::format("{}{} ({})", kAny, set.copies, joined(names, ", "));
}

std::optional<ServerSyncSet> parse_standby_names(std::string_view text) {
    ServerSyncSet set;
    if (text.empty()) return set;
    const auto open = text.find(" (");
    if (!text.starts_with(kAny) || open == std::string_view::npos || !text.ends_with(")")) return std::nullopt;
    const auto count = text.substr(kAny.size(), open - kAny.size());
    if (std::from_chars(count.data(), count.data() + count.size(), set.copies).ptr != count.data() + count.size())
        return std::nullopt;
    const auto list = text.substr(open + 2, text.size() - open - 3);
    for (const auto& part : split(list, ',')) {
        const auto name = trimmed(part);
        if (name.size() < 3 || !name.starts_with('"') || !name.ends_with('"')) return std::nullopt;
        set.members.insert(instance_of(std::string(name.substr(1, name.size() - 2))));
    }
    if (set.copies < 1) return std::nullopt;
    return set;
}

}  // namespace pgedge
