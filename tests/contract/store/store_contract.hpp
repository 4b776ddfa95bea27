#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/store/store.hpp"

namespace pgedge {

/// What every Store must do, whatever stands behind it. `one` and `other` speak to the same store; on a cluster they
/// are different agents. Each case uses names of its own, so that all run on one store.
struct StoreContractCase {
    std::string name;
    std::function<void(Store& one, Store& other)> run;
};
const std::vector<StoreContractCase>& store_contract();

}  // namespace pgedge
