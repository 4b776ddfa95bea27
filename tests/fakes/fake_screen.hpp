#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace pgedge {

/// What a terminal shows after it was written to: knows carriage return, line feed, wrapping (and ?7l, ?7h), up (A),
/// erase line (K, 2K) and below (J); colours are passed over. Lines that wrapped are wrapped again in another width, as
/// most terminals do. Every character takes one column.
class FakeScreen {
public:
    FakeScreen(int columns, int rows) : columns_(columns), rows_(rows), buffer_(1) {}
    int columns() const { return columns_; }
    int rows() const { return rows_; }

    void write(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::size_t used = bytes[0] == '\x1b' ? obey(bytes) : put(bytes);
            bytes.remove_prefix(used);
        }
    }

    void resize(int columns, int rows) {
        std::vector<Row> wrapped;
        for (std::size_t i = 0; i < buffer_.size();) {
            Row line = buffer_[i++];
            for (; line.continues && i < buffer_.size(); ++i) {
                line.cells.insert(line.cells.end(), buffer_[i].cells.begin(), buffer_[i].cells.end());
                line.continues = buffer_[i].continues;
            }
            for (std::size_t at = 0; at == 0 || at < line.cells.size(); at += static_cast<std::size_t>(columns)) {
                Row row;
                const auto end = std::min(line.cells.size(), at + static_cast<std::size_t>(columns));
                row.cells.assign(line.cells.begin() + static_cast<long>(at),
                                 line.cells.begin() + static_cast<long>(end));
                row.continues = end < line.cells.size();
                wrapped.push_back(row);
            }
        }
        buffer_ = wrapped;
        columns_ = columns;
        rows_ = rows;
        row_ = buffer_.size() - 1;  // the cursor is below all that was written
        column_ = std::min(column_, columns - 1);
        const auto height = static_cast<std::size_t>(rows);
        top_ = buffer_.size() > height ? buffer_.size() - height : 0;
    }

    /// From the first line that was ever written to the last one that is not empty.
    std::vector<std::string> all() const { return lines_from(0); }
    /// What is not scrolled out.
    std::vector<std::string> visible() const { return lines_from(top_); }

private:
    struct Row {
        std::vector<std::string> cells;
        bool continues = false;  ///< in the next row
    };

    void next_row() {
        if (++row_ == buffer_.size()) buffer_.emplace_back();
        if (row_ - top_ >= static_cast<std::size_t>(rows_)) ++top_;
    }
    std::size_t put(std::string_view bytes) {
        if (bytes[0] == '\r') {
            column_ = 0;
        } else if (bytes[0] == '\n') {  // terminals are set to begin a line with it
            next_row();
            column_ = 0;
        } else {
            std::size_t size = 1;
            while (size < bytes.size() && (static_cast<unsigned char>(bytes[size]) >> 6) == 2) ++size;
            if (column_ == columns_ && wraps_) {
                buffer_[row_].continues = true;
                next_row();
                column_ = 0;
            }
            const auto at = static_cast<std::size_t>(std::min(column_, columns_ - 1));
            auto& cells = buffer_[row_].cells;
            if (cells.size() <= at) cells.resize(at + 1, " ");
            cells[at] = std::string(bytes.substr(0, size));
            column_ = std::min(column_ + 1, columns_);
            return size;
        }
        return 1;
    }
    std::size_t obey(std::string_view bytes) {
        std::size_t end = 2;
        while (end < bytes.size() && !(bytes[end] >= '@' && bytes[end] <= '~')) ++end;
        const std::string arguments(bytes.substr(2, end - 2));
        switch (bytes[end]) {
            case 'A': {
                const auto up = static_cast<std::size_t>(std::stoi(arguments));
                row_ = std::max(top_, row_ - std::min(row_, up));
                break;
            }
            case 'J': buffer_.resize(row_ + 1); [[fallthrough]];
            case 'K': {
                auto& row = buffer_[row_];
                row.cells.resize(std::min(row.cells.size(), static_cast<std::size_t>(column_)));
                row.continues = false;
                break;
            }
            case 'l': wraps_ = wraps_ && arguments != "?7"; break;
            case 'h': wraps_ = wraps_ || arguments == "?7"; break;
            default: break;
        }
        return end + 1;
    }
    void erase_from(int column) {
        Row& row = buffer_[row_];
        row.cells.resize(std::min(row.cells.size(), static_cast<std::size_t>(column)));
        row.continues = false;
    }
    std::vector<std::string> lines_from(std::size_t first) const {
        std::vector<std::string> lines;
        for (std::size_t i = first; i < buffer_.size(); ++i) {
            std::string line;
            for (const auto& cell : buffer_[i].cells) line += cell;
            line.resize(line.find_last_not_of(' ') + 1);
            lines.push_back(line);
        }
        while (!lines.empty() && lines.back().empty()) lines.pop_back();
        return lines;
    }

    int columns_, rows_, column_ = 0;
    std::size_t row_ = 0, top_ = 0;  ///< of the cursor, and the first one that is not scrolled out
    bool wraps_ = true;
    std::vector<Row> buffer_;
};

}  // namespace pgedge
