#pragma once

#include <string>

namespace pgedge::test {

inline bool holds_a_text(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace pgedge::test
