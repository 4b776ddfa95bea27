#pragma once

#include <string>
#include <vector>

#include "common/model/database.hpp"
#include "common/model/instance.hpp"

namespace pgedge {

/// How a link is, in one word: what its status says, or `stopped` (its apply worker fails at a transaction),
/// `disabled`, or `discarding` (Spock left transactions out). Does not go back to the status's own word between two
/// tries.
std::string link_state(const SubscriptionStatus& subscription);

/// "n1 -> n2": the direction of the changes.
std::string link_name(const std::string& provider, const std::string& subscriber);

/// One sentence for each link of the database that does not bring changes, with since when, the error and how much
/// waits. Links that are down are told after 10 s, not counting the time before the database's last change: links are
/// down for a moment when they are made, and when a server starts. `instances`: after fill_in_lags().
std::vector<std::string> link_problems(const Database& database, const std::vector<Instance>& instances, WallTime now);

/// Why the database is degraded, one sentence each: instances that do not serve, and link_problems(). Empty: it is not.
std::vector<std::string> degraded_reasons(const Database& database, const std::vector<Instance>& instances,
                                          WallTime now);

/// Alarms before WAL that waits for a node does harm: a slot that max_slot_wal_keep_size is about to cut off (then the
/// node has to be made again), or WAL that is about to fill the disk. `instances`: after fill_in_lags().
std::vector<std::string> wal_warnings(const std::vector<Instance>& instances, WallTime now);

}  // namespace pgedge
