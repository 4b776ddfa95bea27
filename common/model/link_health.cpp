#include "common/model/link_health.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "common/base/size_text.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kPassing{10};

/// Of max_slot_wal_keep_size, what has to be left: a link that is mended now needs time to catch up.
constexpr int kLeastSafePercent = 50;
/// Of the space that WAL can take, what may be kept for one slot. Three quarters are left to mend the link.
constexpr int kMostKeptPercent = 25;

bool is_current_primary(const Instance& instance, WallTime now) {
    if (shown_state(instance, now) != InstanceState::available) return false;
    const auto* status = current_status(instance, now);
    return status && status->role == "primary";
}

std::string waiting_text(const Instance& instance, const SubscriptionStatus& subscription) {
    const auto& provider = subscription.provider_node;
    if (subscription.at_provider && subscription.at_provider->wal_status == "lost")
        return fmt::format("; {} no longer has the WAL that it needs, so {} has to be made again", provider,
                           instance.node_name);
    if (!subscription.lag_bytes) return {};
    return fmt::format("; {} wait on {}", size_text(*subscription.lag_bytes), provider);
}

std::string failure_text(const LinkFailure& failure) {
    std::string text = fmt::format("since {}: {}", to_rfc3339(failure.since), failure.error);
    if (!failure.action.empty()) text += " (" + failure.action + ")";
    if (!failure.commit_lsn.empty())
        text +=
            fmt::format(", in transaction {} of {}, commit {}", failure.xid, failure.committed_at, failure.commit_lsn);
    return text;
}

std::string see(const Database& database, const SubscriptionStatus& subscription) {
    return fmt::format("; see it: pgedgectl db link show {} {}", database.id, subscription.name);
}

/// At a transaction, so that only a repair or a skip helps.
bool has_stopped(const SubscriptionStatus& subscription) {
    return subscription.failure && !subscription.failure->commit_lsn.empty();
}

/// Empty: it brings changes, as far as is known.
std::string problem_of(const Database& database, const Instance& instance, const SubscriptionStatus& subscription) {
    const auto link =
        fmt::format("link {} ({})", link_name(subscription.provider_node, instance.node_name), subscription.name);
    if (!subscription.enabled && subscription.failure && subscription.failure->action == kHeldBack)
        return link + " is held back: " + subscription.failure->error + waiting_text(instance, subscription);
    if (!subscription.enabled)
        return link + " is disabled" +
               (subscription.failure ? " " + failure_text(*subscription.failure) : std::string()) +
               waiting_text(instance, subscription) + "; plan and apply enable it again";
    if (has_stopped(subscription))
        return link + " has stopped " + failure_text(*subscription.failure) + waiting_text(instance, subscription) +
               see(database, subscription);
    if (subscription.discarded)
        return fmt::format("{} left out {} transaction{} since {}, the last for: {}{}", link,
                           subscription.discarded->transactions, subscription.discarded->transactions == 1 ? "" : "s",
                           to_rfc3339(subscription.discarded->since), subscription.discarded->last_error,
                           see(database, subscription));
    // By the times of the looks: the clock of whoever asks may differ from the instance's host's.
    const auto since = subscription.down_since;
    if (since && instance.status->updated_at - std::max(*since, database.updated_at) >= kPassing)
        return fmt::format("{} is down since {}{}{}", link, to_rfc3339(*since),
                           subscription.failure ? ": " + subscription.failure->error : std::string(),
                           waiting_text(instance, subscription));
    return {};
}

void add_missing_links(const std::vector<Instance>& instances, const Instance& subscriber,
                       std::vector<std::string>& problems) {
    if (subscriber.status->extension_version.empty()) return;  // it could not be asked for them
    std::set<std::string> providers;
    for (const auto& each : instances)
        if (each.node_name != subscriber.node_name && each.state == InstanceState::available)
            providers.insert(each.node_name);
    for (const auto& subscription : subscriber.status->subscriptions) providers.erase(subscription.provider_node);
    for (const auto& provider : providers)
        problems.push_back(fmt::format("link {} does not exist; plan and apply make it again",
                                       link_name(provider, subscriber.node_name)));
}

std::string instance_problem(const Instance& instance, InstanceState state) {
    const auto name = fmt::format("instance {} of {} on {}", instance.id, instance.node_name, instance.host_id);
    if (state == InstanceState::unknown) {
        const auto last = instance.status ? to_rfc3339(instance.status->updated_at) : std::string();
        return name + " is not heard of" + (last.empty() ? "" : " since " + last) +
               ": its agent does not run, or has no connection";
    }
    if (const auto error = error_of(instance, state); !error.empty())
        return fmt::format("{} is {}: {}", name, to_string(state), error);
    if (instance.stopped) return name + " was stopped";
    return fmt::format("{} is {}", name, to_string(state));
}

}  // namespace

std::string link_name(const std::string& provider, const std::string& subscriber) {
    return provider + " -> " + subscriber;
}

std::string link_state(const SubscriptionStatus& subscription) {
    if (!subscription.enabled) return "disabled";
    if (has_stopped(subscription)) return "stopped";
    if (subscription.discarded) return "discarding";
    return subscription.status;
}

std::vector<std::string> link_problems(const Database& database, const std::vector<Instance>& instances, WallTime now) {
    std::vector<std::string> problems;
    for (const auto& instance : instances) {
        // What a status from before the end of the last operation says of links tells nothing of what it left.
        if (!is_current_primary(instance, now) || instance.status->updated_at < database.updated_at) continue;
        for (const auto& subscription : instance.status->subscriptions)
            if (auto problem = problem_of(database, instance, subscription); !problem.empty())
                problems.push_back(std::move(problem));
        // Clocks of hosts differ: a look from before they were made may seem to be from after.
        if (instance.status->updated_at - database.updated_at >= kPassing)
            add_missing_links(instances, instance, problems);
    }
    return problems;
}

std::vector<std::string> degraded_reasons(const Database& database, const std::vector<Instance>& instances,
                                          WallTime now) {
    std::vector<std::string> reasons;
    for (const auto& instance : instances) {
        const InstanceState state = shown_state(instance, now);
        if (state != InstanceState::available && state != InstanceState::backing_up)
            reasons.push_back(instance_problem(instance, state));
    }
    for (auto& problem : link_problems(database, instances, now)) reasons.push_back(std::move(problem));
    return reasons;
}

std::vector<std::string> wal_warnings(const std::vector<Instance>& instances, WallTime now) {
    std::vector<std::string> warnings;
    for (const auto& instance : instances) {
        if (!is_current_primary(instance, now)) continue;
        for (const auto& [name, slot] : instance.status->slots) {
            const auto who = fmt::format("slot {} of {}", name, instance.node_name);
            if (slot.wal_status == "lost") {
                warnings.push_back(who + " has lost WAL that its reader needed: that node has to be made again");
            } else if (slot.safe_bytes && slot.limit_bytes &&
                       *slot.safe_bytes < *slot.limit_bytes / 100 * kLeastSafePercent) {
                warnings.push_back(
                    fmt::format("{} keeps {} of WAL and is lost after {} more (max_slot_wal_keep_size {}): "
                                "mend the link that reads it, or raise the setting",
                                who, size_text(slot.kept_bytes), size_text(std::max<std::int64_t>(*slot.safe_bytes, 0)),
                                size_text(*slot.limit_bytes)));
            } else if (const auto room = instance.status->wal_room_bytes;
                       room && slot.kept_bytes / kMostKeptPercent > (slot.kept_bytes + *room) / 100) {
                warnings.push_back(
                    fmt::format("{} keeps {} of WAL and {} are free on its disk: mend the link that reads "
                                "it, or remove its node, before the disk is full",
                                who, size_text(slot.kept_bytes), size_text(*room)));
            }
        }
    }
    return warnings;
}

}  // namespace pgedge
