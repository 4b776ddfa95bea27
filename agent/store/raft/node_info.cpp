#include "agent/store/raft/node_info.hpp"

#include <charconv>

namespace pgedge {

std::optional<std::uint64_t> parse_node_id(std::string_view text) {
    std::uint64_t id = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (failure != std::errc() || end != text.data() + text.size() || id == 0) return std::nullopt;
    return id;
}

}  // namespace pgedge
