#include "agent/store/store_watch.hpp"

#include <algorithm>

namespace pgedge {

bool StoreWatch::wait(const Limit& limit) { return wait(nullptr, limit); }
bool StoreWatch::wait_for(const std::string& name, const Limit& limit) { return wait(&name, limit); }

bool StoreWatch::wait(const std::string* name, const Limit& limit) {
    const bool first = !began();
    const auto changes = store_.wait_for_changes(revision_, limit);
    revision_ = changes.revision;
    if (first) return began();
    return changes.relist || std::any_of(changes.changes.begin(), changes.changes.end(), [&](const Change& change) {
               return kinds_.contains(change.kind) && (!name || change.name == *name);
           });
}

}  // namespace pgedge
