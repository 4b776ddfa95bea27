#pragma once

#include <array>
#include <string>
#include <string_view>

#include "common/base/error.hpp"

namespace pgedge {

/// The words for the values of an enum, each listed once: printing and reading use the same table.
template <class Enum, std::size_t Count>
struct NameTable {
    struct Row {
        Enum value;
        std::string_view name;
    };
    std::string_view what;  ///< what the enum is, for errors: "task status"
    std::array<Row, Count> rows;

    /// Throws Error{internal} for a value that is not in the table.
    std::string_view name_of(Enum value) const {
        for (const auto& row : rows)
            if (row.value == value) return row.name;
        throw Error(ErrorKind::internal, "a " + std::string(what) + " has no name");
    }
    /// Throws Error{invalid_input} for a word that is not in the table.
    Enum value_of(std::string_view name) const {
        for (const auto& row : rows)
            if (row.name == name) return row.value;
        throw Error(ErrorKind::invalid_input, "no " + std::string(what) + " is called \"" + std::string(name) + "\"");
    }
};

}  // namespace pgedge
