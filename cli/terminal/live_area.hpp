#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace pgedge {

/// The last lines of a terminal, drawn again and again in place. Lines must be clean and no wider than the terminal.
class LiveArea {
public:
    explicit LiveArea(std::ostream& out) : out_(out) {}
    /// Takes the place of what was drawn before.
    void draw(const std::vector<std::string>& lines);
    /// What is drawn stays; the next draw() begins below it.
    void keep() { drawn_ = 0; }

private:
    std::ostream& out_;
    std::size_t drawn_ = 0;
};

}  // namespace pgedge
