#pragma once

#include <optional>
#include <string>

#include "agent/postgres/dialect.hpp"

namespace pgedge {

/// What begins the text of a subscription that can never go on: what it would pass over is known to nobody any more.
inline constexpr std::string_view kSubscriptionGap = "subscription_gap";

// A subscription that is off because it would pass over changes of its provider without a word. Why is kept in the
// subscriber's database; nothing enables it until let_go(). Sessions are of a superuser there.

/// Why it is held back; nullopt: it is not.
std::optional<std::string> held_back(Session& session, const std::string& subscription, const Limit& limit);
/// Disables it. Whoever held it back before is forgotten. Returns when nothing applies any more.
void hold_back(Session& session, const ReplicationDialect& dialect, const std::string& subscription,
               const std::string& why, const Limit& limit);
/// Enables it, if it was held back.
void let_go(Session& session, const ReplicationDialect& dialect, const std::string& subscription, const Limit& limit);
/// Of a subscription that is dropped.
void forget_hold(Session& session, const std::string& subscription, const Limit& limit);

}  // namespace pgedge
