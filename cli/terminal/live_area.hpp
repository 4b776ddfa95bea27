#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace pgedge {

/// The last lines of a terminal, drawn again and again in place.
class LiveArea {
public:
    explicit LiveArea(std::ostream& out) : out_(out) {}
    /// Takes the place of what was drawn before, in a terminal that has this size now. Draws at most the first
    /// `rows` - 1 lines: what has left the top of the screen could not be drawn over. Lines must be clean; what is
    /// wider than the terminal is cut by it.
    void draw(const std::vector<std::string>& lines, int columns, int rows);
    /// Writes lines that stay. The next draw() begins below them.
    void write_above(const std::string& text, int columns, int rows);

private:
    std::string to_top(int columns, int rows) const;

    std::ostream& out_;
    std::vector<int> widths_;  ///< of the lines that are drawn
};

}  // namespace pgedge
