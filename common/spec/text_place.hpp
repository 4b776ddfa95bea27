#pragma once

#include <algorithm>
#include <string_view>

#include "common/base/text.hpp"
#include "common/spec/document.hpp"

namespace pgedge {

/// Line and column of a byte of `text`.
inline Position position_of(std::string_view text, std::size_t byte) {
    const std::string_view before = text.substr(0, std::min(byte, text.size()));
    const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0: the first line
    return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
            static_cast<int>(length_of(before.substr(line_start))) + 1};
}

}  // namespace pgedge
