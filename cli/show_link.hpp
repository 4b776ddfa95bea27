#pragma once

#include <ostream>
#include <string>

#include "cli/session.hpp"

namespace pgedge {

/// A link with the transactions that stop it, and what can be done about them. Everything is cleaned.
void show_link(std::ostream& out, const Style& style, const std::string& database, const LinkAnswer& link);

}  // namespace pgedge
