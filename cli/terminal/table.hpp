#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/terminal/text.hpp"

namespace pgedge {

/// Rows below headers, in columns as wide as they need. Cells are cleaned; those of the last column are not filled up.
class Table {
public:
    explicit Table(std::vector<std::string> headers) : headers_(std::move(headers)) {}
    void add(std::vector<std::string> cells);  ///< an empty cell shows as "-"
    bool empty() const { return rows_.empty(); }
    /// Cells of the column named `state_column` are coloured as states.
    void print(std::ostream& out, const Style& style, const std::string& state_column = "STATE") const;

private:
    std::vector<std::string> headers_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace pgedge
