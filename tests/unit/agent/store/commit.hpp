#pragma once

#include "agent/store/store.hpp"

namespace pgedge {

inline Limit soon() { return Limit(std::chrono::seconds(10)); }

/// True when it was committed.
inline bool commit(Store& store, Statement statement) {
    Transaction transaction;
    transaction.add(std::move(statement));
    return store.commit(transaction, soon()).committed;
}

}  // namespace pgedge
