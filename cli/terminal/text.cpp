#include "cli/terminal/text.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include <locale.h>
#include <wchar.h>

namespace pgedge {
namespace {

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

/// The locale in which wcwidth() knows all of Unicode; for the calling thread, until it dies.
class UnicodeLocale {
public:
    UnicodeLocale() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
        if (locale_) before_ = ::uselocale(locale_);
    }
    ~UnicodeLocale() {
        if (!locale_) return;
        ::uselocale(before_);
        ::freelocale(locale_);
    }
    UnicodeLocale(const UnicodeLocale&) = delete;
    UnicodeLocale& operator=(const UnicodeLocale&) = delete;

private:
    locale_t locale_, before_{};
};

/// Takes the first character off `rest`; its code is -1 when the bytes are not UTF-8 (then one byte is taken).
struct Character {
    long code;
    std::string_view bytes;
};
Character next_character(std::string_view& rest) {
    const auto first = static_cast<unsigned char>(rest[0]);
    const std::size_t size = first < 0x80         ? 1
                             : (first >> 5) == 6  ? 2
                             : (first >> 4) == 14 ? 3
                             : (first >> 3) == 30 ? 4
                                                  : 0;
    Character character{-1, rest.substr(0, 1)};
    if (size >= 1 && size <= rest.size()) {
        static constexpr std::array<unsigned char, 5> kMask{0, 0x7f, 0x1f, 0x0f, 0x07};
        static constexpr std::array<long, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
        long code = first & kMask[size];
        bool good = true;
        for (std::size_t i = 1; i < size; ++i) {
            const auto byte = static_cast<unsigned char>(rest[i]);
            good = good && (byte >> 6) == 2;
            code = (code << 6) | (byte & 0x3f);
        }
        if (good && code >= kLeast[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff))
            character = {code, rest.substr(0, size)};
    }
    rest.remove_prefix(character.bytes.size());
    return character;
}

bool is_control(long code) { return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029; }
bool turns_direction(long code) {
    return code == 0x200e || code == 0x200f || code == 0x061c || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

void each_width(std::string_view text, const std::function<bool(std::string_view, int)>& take) {
    const UnicodeLocale unicode;
    while (!text.empty()) {
        const Character character = next_character(text);
        const int width = character.code < 0 ? 1 : ::wcwidth(static_cast<wchar_t>(character.code));
        if (!take(character.bytes, std::max(0, width))) return;
    }
}

}  // namespace

std::string clean(std::string_view text, bool keep_lines) {
    if (is_plain(text)) return std::string(text);
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const Character character = next_character(text);
        if (character.code < 0)
            out += '?';
        else if (character.code == '\n' || character.code == '\t')
            out += keep_lines ? static_cast<char>(character.code) : ' ';
        else if (!is_control(character.code) && !turns_direction(character.code))
            out += character.bytes;
    }
    return out;
}

int width_of(std::string_view text) {
    if (is_plain(text)) return static_cast<int>(text.size());
    int columns = 0;
    each_width(text, [&](std::string_view, int width) {
        columns += width;
        return true;
    });
    return columns;
}

std::string padded(std::string_view text, int columns) {
    return std::string(text) + std::string(static_cast<std::size_t>(std::max(0, columns - width_of(text))), ' ');
}

std::string cut_to(std::string_view text, int columns) {
    if (width_of(text) <= columns) return std::string(text);
    if (columns <= 0) return "";
    std::string out;
    int used = 0;
    each_width(text, [&](std::string_view bytes, int width) {
        if (used + width > columns - 1) return false;
        used += width;
        out += bytes;
        return true;
    });
    return out + "…";
}

std::string Style::in(const char* code, std::string_view text) const {
    if (!on_ || text.empty()) return std::string(text);
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::string Style::state(std::string_view word) const {
    struct Line {
        std::string_view word;
        char mood;
    };
    static constexpr std::array kMoods{
        Line{"available", 'g'},  Line{"healthy", 'g'},   Line{"completed", 'g'}, Line{"running", 'y'},
        Line{"creating", 'y'},   Line{"modifying", 'y'}, Line{"deleting", 'y'},  Line{"pending", 'y'},
        Line{"degraded", 'y'},   Line{"canceling", 'y'}, Line{"failed", 'r'},    Line{"unreachable", 'r'},
        Line{"down", 'r'},       Line{"stopped", 'r'},   Line{"canceled", 'y'},  Line{"replicating", 'g'},
        Line{"no_primary", 'r'}, Line{"blocked", 'r'},   Line{"promoting", 'y'}, Line{"switching", 'y'},
    };
    for (const auto& line : kMoods)
        if (line.word == word) return line.mood == 'g' ? green(word) : line.mood == 'y' ? yellow(word) : red(word);
    return std::string(word);
}

}  // namespace pgedge
