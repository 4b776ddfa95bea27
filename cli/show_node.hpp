#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "cli/session.hpp"

namespace pgedge {

/// One line for each node: its primary, and who would be next.
void show_nodes(std::ostream& out, const Style& style, const std::vector<NodeAnswer>& nodes);
/// A node with its instances, and why some of them could not take over. Everything is cleaned.
void show_node(std::ostream& out, const Style& style, const NodeAnswer& node);
/// The primaries that a node has had, newest first.
void show_node_history(std::ostream& out, const Style& style, const std::vector<NodeChangeAnswer>& changes);

}  // namespace pgedge
