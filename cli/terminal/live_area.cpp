#include "cli/terminal/live_area.hpp"

#include <algorithm>

#include "cli/terminal/text.hpp"

namespace pgedge {
namespace {

// A line that wraps takes two rows, which draw() could not know of: the terminal may find a character wider than we do.
constexpr const char* kNoWrap = "\x1b[?7l";
constexpr const char* kWrap = "\x1b[?7h";
constexpr const char* kEraseLine = "\x1b[2K";
constexpr const char* kEraseBelow = "\x1b[J";

/// Without the colour codes of Style.
int shown_width(const std::string& line) {
    std::string plain;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\x1b')
            i = std::min(line.find('m', i), line.size());
        else
            plain += line[i];
    }
    return width_of(plain);
}

}  // namespace

/// Goes up to the first line. Terminals that have become narrower have wrapped what was drawn: each line stands in as
/// many rows as it needs now.
std::string LiveArea::to_top(int columns, int rows) const {
    int up = 0;
    for (const int width : widths_) up += std::max(1, (width + columns - 1) / std::max(1, columns));
    up = std::min(up, std::max(0, rows - 1));
    return (up > 0 ? "\x1b[" + std::to_string(up) + "A" : "") + "\r";
}

void LiveArea::draw(const std::vector<std::string>& lines, int columns, int rows) {
    const auto count = std::min(lines.size(), static_cast<std::size_t>(std::max(0, rows - 1)));
    std::string text = to_top(columns, rows) + kNoWrap;
    widths_.clear();
    for (std::size_t i = 0; i < count; ++i) {
        text += kEraseLine + lines[i] + "\n";
        widths_.push_back(std::min(shown_width(lines[i]), columns));
    }
    out_ << text + kWrap + kEraseBelow << std::flush;  // in one piece: no flicker
}

void LiveArea::write_above(const std::string& text, int columns, int rows) {
    out_ << to_top(columns, rows) + kEraseBelow + text + "\n" << std::flush;
    widths_.clear();
}

}  // namespace pgedge
