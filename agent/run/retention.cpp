#include "agent/run/retention.hpp"

#include <utility>

#include "agent/run/scheduler.hpp"

namespace pgedge {

Retention::Retention(Store& store, Leases& leases, const Clock& clock, Log log, TaskRetention kept)
    : store_(store), leases_(leases), clock_(clock), log_(std::move(log)), kept_(kept) {}

bool Retention::look(const Limit& limit) {
    const auto now = clock_.monotonic();
    if (looked_ && now - *looked_ < kEvery) return false;
    const auto old = Tasks(store_).beyond(kept_, clock_.wall(), kAtOnce, limit);
    if (old.empty()) {
        looked_ = now;
        return false;
    }
    Transaction transaction;
    transaction.add(leases_.still_mine(kSchedulerLease));
    for (const auto& id : old) transaction.add(Tasks::erase(id));
    if (!store_.commit(transaction, limit).committed) return false;
    log_.info("old tasks were forgotten", {{"tasks", old.size()}, {"newest", old.back()}});
    return true;
}

}  // namespace pgedge
