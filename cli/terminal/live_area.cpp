#include "cli/terminal/live_area.hpp"

namespace pgedge {

void LiveArea::draw(const std::vector<std::string>& lines) {
    std::string text;
    if (drawn_ > 0) text += "\x1b[" + std::to_string(drawn_) + "A";  // up to the first line
    text += "\r";
    for (const auto& line : lines) text += line + "\x1b[K\n";  // the rest of each line is erased
    if (lines.size() < drawn_) text += "\x1b[J";               // and so are lines that are no more
    drawn_ = lines.size();
    out_ << text << std::flush;  // in one piece: no flicker
}

}  // namespace pgedge
