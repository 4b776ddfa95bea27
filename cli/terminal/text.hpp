#pragma once

#include <string>
#include <string_view>

namespace pgedge {

/// Text of others, safe to print: without control characters, escape sequences and marks that turn the direction of
/// writing; bytes that are not UTF-8 become '?'. Tabs and line ends become blanks, or stay with `keep_lines`.
std::string clean(std::string_view text, bool keep_lines = false);
/// Columns that clean text takes on a terminal (wide characters take two, combining ones none).
int width_of(std::string_view text);
/// `text`, filled up with blanks to `columns`.
std::string padded(std::string_view text, int columns);
/// `text` cut to at most `columns`, with "…" at the end when something is missing.
std::string cut_to(std::string_view text, int columns);

/// Colours and the like, or nothing of it.
class Style {
public:
    explicit Style(bool on) : on_(on) {}
    std::string bold(std::string_view text) const { return in("1", text); }
    std::string dim(std::string_view text) const { return in("2", text); }
    std::string red(std::string_view text) const { return in("31", text); }
    std::string green(std::string_view text) const { return in("32", text); }
    std::string yellow(std::string_view text) const { return in("33", text); }
    /// A state word in the colour of how well that is.
    std::string state(std::string_view word) const;
    bool on() const { return on_; }

private:
    std::string in(const char* code, std::string_view text) const;
    bool on_;
};

}  // namespace pgedge
