#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "common/base/json.hpp"

namespace pgedge {

// Rows outlive the programs that wrote them: they may be older, newer, or damaged. Whoever reads a list must get all
// rows that can be read, so a reader of rows turns what it cannot read into a row that says so by name.

/// The one way to parse a JSON column. Throws Error{invalid_input} with line and column.
inline Json parse_stored(std::string_view text) { return parse_json(text); }

/// Why `read` could not read a part of a row; empty: it could.
template <class Read>
std::string unreadable(Read&& read) {
    try {
        read();
        return {};
    } catch (const std::exception& error) {
        const std::string why = error.what();
        return why.empty() ? "it cannot be read" : why;
    }
}

}  // namespace pgedge
