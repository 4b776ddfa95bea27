#include "cli/terminal/table.hpp"

#include <algorithm>

namespace pgedge {

void Table::add(std::vector<std::string> cells) {
    cells.resize(headers_.size());
    for (auto& cell : cells) cell = cell.empty() ? "-" : clean(cell);
    rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out, const Style& style, const std::string& state_column) const {
    std::vector<int> widths;
    for (std::size_t column = 0; column < headers_.size(); ++column) {
        widths.push_back(width_of(headers_[column]));
        for (const auto& row : rows_) widths[column] = std::max(widths[column], width_of(row[column]));
    }
    const auto line = [&](const std::vector<std::string>& cells, bool is_header) {
        for (std::size_t column = 0; column < cells.size(); ++column) {
            const bool last = column + 1 == cells.size();
            const std::string blanks(static_cast<std::size_t>(last ? 0 : widths[column] - width_of(cells[column]) + 2),
                                     ' ');
            out << (is_header                          ? style.bold(cells[column])
                    : headers_[column] == state_column ? style.state(cells[column])
                                                       : cells[column])
                << blanks;
        }
        out << '\n';
    };
    line(headers_, true);
    for (const auto& row : rows_) line(row, false);
}

}  // namespace pgedge
