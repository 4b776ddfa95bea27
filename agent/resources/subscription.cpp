#include "agent/resources/subscription.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/postgres/dialect.hpp"
#include "agent/postgres/link_hold.hpp"
#include "agent/resources/local_session.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kReplicating{120};  ///< for the apply worker to start and to reach its provider

const ReplicationDialect& dialect_of(const Resource& resource) {
    return ReplicationDialect::of(resource.want.at("dialect").get<std::string>());
}

}  // namespace

Observed Subscription::observe(const Resource& resource, StepContext& context) {
    if (!is_ready(runtime_, context.primary.instance_id)) return Observed::unseen;
    if (!has_database(runtime_, resource.want, context)) return Observed::missing;
    auto session = connect_to_database(runtime_, resource.want, context);
    const auto rows = dialect_of(resource).subscriptions(session, context.limit);
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](const auto& each) { return each.name == resource.id.name; });
    if (row == rows.end()) return Observed::missing;
    const bool same = row->provider_dsn == resource.want.at("provider_dsn").get<std::string>() &&
                      row->enabled == resource.want.at("enabled").get<bool>();
    return same ? Observed::as_known : Observed::differs;
}

void Subscription::apply(const Resource& resource, StepContext& context) {
    const Json& want = resource.want;
    auto session = connect_to_database(runtime_, want, context);
    const auto& dialect = dialect_of(resource);
    const std::string name = resource.id.name, provider = want.at("provider");
    const bool enabled = want.at("enabled");
    if (const auto why = held_back(session, name, context.limit); why && enabled)
        throw Error(ErrorKind::conflict, fmt::format("subscription {} must not go on: {}", name, *why),
                    why->starts_with(kSubscriptionGap)
                        ? "take its node out of the database and add it again: it is made anew from the others"
                        : "it goes on by itself when that is over");
    dialect.ensure_subscription(session,
                                {.name = name,
                                 .provider = provider,
                                 .slot = dialect.slot_name(session, provider, name, context.limit),
                                 .provider_dsn = want.at("provider_dsn"),
                                 .enabled = enabled},
                                context.limit);
    if (enabled) dialect.wait_replicating(session, name, context.limit.no_longer_than(kReplicating));
}

void Subscription::remove(const Resource& resource, StepContext& context) {
    if (!is_running(runtime_, context.primary.instance_id)) return;
    if (!has_database(runtime_, resource.want, context)) return;
    auto session = connect_to_database(runtime_, resource.want, context);
    dialect_of(resource).drop_subscription(session, resource.id.name, context.limit);
    forget_hold(session, resource.id.name, context.limit);
}

}  // namespace pgedge
