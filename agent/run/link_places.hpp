#pragma once

#include <map>
#include <string>

#include "common/model/link_transaction.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {

/// The links of a database, by subscription, from what is known of its resources.
std::map<std::string, LinkPlace> link_places(const Known& known);
/// The link that is called "sub_n1_n2" or "n1-n2". Throws Error{not_found} naming those that there are.
const LinkPlace& find_link(const std::map<std::string, LinkPlace>& places, const std::string& name);

}  // namespace pgedge
