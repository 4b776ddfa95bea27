#pragma once

#include <set>
#include <string>
#include <vector>

#include "agent/store/store.hpp"

namespace pgedge {

/// Waits for changes of some kinds ("task", "host", …) in the store, and knows how far it has read the feed. For one
/// thread at a time. The order that misses nothing: wait(), then read the lists, then wait() again.
class StoreWatch {
public:
    StoreWatch(Store& store, std::set<std::string> kinds) : store_(store), kinds_(std::move(kinds)) {}

    /// True: read again, because something of these kinds changed, changes may have been missed, or nothing was read
    /// yet. False: the limit ended. Throws what the store throws.
    bool wait(const Limit& limit);
    /// The same for the row `name` alone.
    bool wait_for(const std::string& name, const Limit& limit);
    /// False until the store has told where its feed stands: what is read before that may miss a change.
    bool began() const { return revision_ != 0; }
    /// As if nothing had been read: the next wait() is true at once.
    void restart() { revision_ = 0; }

private:
    bool wait(const std::string* name, const Limit& limit);

    Store& store_;
    const std::set<std::string> kinds_;
    std::int64_t revision_ = 0;
};

}  // namespace pgedge
