#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/spec/entries.hpp"

namespace pgedge {
namespace {

using Character = char32_t;

[[noreturn]] void refuse_pattern(const char* what) { throw Error(ErrorKind::invalid_input, what); }

std::vector<Character> characters_of(std::string_view text) {
    std::vector<Character> characters;
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i++]);
        Character character = lead;
        int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
        if (more > 0) character = lead & (0x3fU >> more);
        for (; more > 0 && i < text.size(); --more)
            character = (character << 6) | (static_cast<unsigned char>(text[i++]) & 0x3fU);
        characters.push_back(character);
    }
    return characters;
}

bool is_letter(Character c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_decimal(Character c) { return c >= '0' && c <= '9'; }
bool is_hex(Character c) { return is_decimal(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_one_of(Character c, std::string_view set) {
    return c < 0x80 && set.find(static_cast<char>(c)) != std::string_view::npos;
}

/// The grammar of PostgreSQL's advanced regular expressions, as far as it decides whether one compiles. Recursion is
/// bounded. Source: the manual's "Regular Expression Details"; regcomp.c, regc_lex.c.
class Grammar {
public:
    explicit Grammar(std::string_view pattern) : text_(characters_of(pattern)) {}

    void check() {
        if (starts_with("***=")) return;  // what follows is a literal text
        if (starts_with("***:"))
            at_ += 4;
        else if (starts_with("***"))
            refuse_pattern("a quantifier has nothing to repeat");
        if (!take_options()) return;
        alternatives(0, false);
        if (!over()) refuse_pattern("parentheses are not balanced");
    }

private:
    static constexpr int kMaxDepth = 100;
    static constexpr int kMaxRepeat = 255;

    enum class Item { atom, constraint };

    bool over() const { return at_ >= text_.size(); }
    Character here() const { return text_[at_]; }
    bool starts_with(std::string_view word) const {
        if (text_.size() - at_ < word.size()) return false;
        return std::equal(word.begin(), word.end(), text_.begin() + static_cast<std::ptrdiff_t>(at_),
                          [](char a, Character b) { return static_cast<Character>(a) == b; });
    }
    bool take(std::string_view word) {
        if (!starts_with(word)) return false;
        at_ += word.size();
        return true;
    }

    /// "(?i)" at the beginning. False: the rest is a literal text.
    bool take_options() {
        if (!starts_with("(?") || at_ + 2 >= text_.size() || !is_letter(text_[at_ + 2])) return true;
        at_ += 2;
        bool literal = false;
        for (; !over() && is_letter(here()); ++at_) {
            if (!is_one_of(here(), "bceimnpqstwx")) refuse_pattern("an embedded option is not known");
            if (is_one_of(here(), "be")) refuse_pattern("other flavours of regular expressions are not for this file");
            if (here() == 'q') literal = true;
            if (here() == 'x') expanded_ = true;
        }
        if (!take(")")) refuse_pattern("an embedded option is not known");
        return !literal;
    }

    void alternatives(int depth, bool in_look_around) {
        if (depth > kMaxDepth) refuse_pattern("it is nested too deeply");
        do {
            while (branch_item(depth, in_look_around)) {
            }
        } while (take("|"));
    }

    /// False at the end of the branch.
    bool branch_item(int depth, bool in_look_around) {
        skip_comments();
        if (over() || is_one_of(here(), "|)")) return false;
        if (item(depth, in_look_around) == Item::atom) quantifier();
        return true;
    }

    void skip_comments() {
        for (;;) {
            if (take("(?#")) {
                while (!over() && here() != ')') ++at_;
                if (!over()) ++at_;
            } else if (expanded_ && !over() && is_one_of(here(), " \t\n\r\v\f")) {
                ++at_;
            } else if (expanded_ && take("#")) {
                while (!over() && here() != '\n') ++at_;
            } else {
                return;
            }
        }
    }

    Item item(int depth, bool in_look_around) {
        for (const char* look : {"(?=", "(?!", "(?<=", "(?<!"})
            if (take(look)) return group(depth, true), Item::constraint;
        if (take("(?:")) return group(depth, in_look_around), Item::atom;
        if (starts_with("(?")) refuse_pattern("a quantifier has nothing to repeat");
        if (take("(")) {
            const auto mine = groups_.size();
            if (!in_look_around) groups_.push_back(false);
            group(depth, in_look_around);
            if (!in_look_around) groups_[mine] = true;
            return Item::atom;
        }
        if (take("[[:<:]]") || take("[[:>:]]")) return Item::constraint;
        if (take("[")) return bracket(), Item::atom;
        if (take("\\")) return escape(in_look_around);
        const bool bound = here() == '{' && at_ + 1 < text_.size() && is_decimal(text_[at_ + 1]);
        if (bound || is_one_of(here(), "*+?")) refuse_pattern("a quantifier has nothing to repeat");
        const Character c = here();
        ++at_;
        return is_one_of(c, "^$") ? Item::constraint : Item::atom;
    }

    void group(int depth, bool in_look_around) {
        alternatives(depth + 1, in_look_around);
        if (!take(")")) refuse_pattern("parentheses are not balanced");
    }

    void quantifier() {
        skip_comments();
        if (over()) return;
        if (is_one_of(here(), "*+?")) {
            ++at_;
        } else if (here() == '{' && at_ + 1 < text_.size() && is_decimal(text_[at_ + 1])) {
            ++at_;
            const int least = number();
            const bool range = take(",");
            const bool bounded = range && !over() && is_decimal(here());
            const int most = bounded ? number() : least;
            if (!take("}")) refuse_pattern("braces are not balanced");
            if (least > kMaxRepeat || most > kMaxRepeat || least > most)
                refuse_pattern("a repetition count is not valid");
        } else {
            return;
        }
        take("?");
        skip_comments();
        const bool bound = starts_with("{") && at_ + 1 < text_.size() && is_decimal(text_[at_ + 1]);
        if (bound || (!over() && is_one_of(here(), "*+?"))) refuse_pattern("a quantifier has nothing to repeat");
    }

    int number() {
        int value = 0;
        for (; !over() && is_decimal(here()); ++at_)
            value = std::min(value * 10 + static_cast<int>(here() - '0'), kMaxRepeat + 1);
        return value;
    }

    Character hex_digits(int least, int most) {
        constexpr Character kGreatest = 0x7fffffff;
        std::uint64_t value = 0;
        int count = 0;
        for (; count < most && !over() && is_hex(here()); ++count, ++at_) {
            const Character c = here();
            const Character digit = is_decimal(c) ? c - '0' : (c | 0x20U) - 'a' + 10;
            value = std::min<std::uint64_t>(value * 16 + digit, kGreatest);
        }
        if (count < least) refuse_pattern("an escape is not valid");
        return static_cast<Character>(value);
    }

    /// Behind the backslash.
    Item escape(bool in_look_around) {
        if (over()) refuse_pattern("an escape is not valid");
        const Character c = here();
        if (c >= '1' && c <= '9') {
            back_reference(in_look_around);
            return Item::atom;
        }
        ++at_;
        if (is_one_of(c, "AmMyYZ")) return Item::constraint;
        if (is_one_of(c, "dDsSwW")) return Item::atom;
        character_escape(c);
        return Item::atom;
    }

    /// Behind its letter. The character that it stands for.
    Character character_escape(Character c) {
        Character value = 0;
        switch (c) {
            case 'u': return hex_digits(4, 4);
            case 'U': return hex_digits(8, 8);
            case 'x': return hex_digits(1, kMaxRepeat);
            case 'c':
                if (over()) refuse_pattern("an escape is not valid");
                value = here() & 0x1fU;
                ++at_;
                return value;
            case '0':
                for (int i = 0; i < 2 && !over() && here() >= '0' && here() <= '7'; ++i, ++at_)
                    value = value * 8 + (here() - '0');
                return value;
            default: break;
        }
        if (!is_letter(c) && !is_decimal(c)) return c;
        static constexpr std::string_view kLetters = "abBefnrtv", kValues = "\a\b\\\x1b\f\n\r\t\v";
        const auto letter = c < 0x80 ? kLetters.find(static_cast<char>(c)) : std::string_view::npos;
        if (letter == std::string_view::npos) refuse_pattern("an escape is not valid");
        return static_cast<Character>(kValues[letter]);
    }

    /// One digit, or as many as name a group that there is; else it is an octal number.
    void back_reference(bool in_look_around) {
        std::size_t number = 0;
        const auto begin = at_;
        for (; !over() && is_decimal(here()) && number < 100'000; ++at_) number = number * 10 + (here() - '0');
        if (at_ - begin > 1 && number > groups_.size()) {
            at_ = begin;
            if (here() >= '8') refuse_pattern("a back reference names no group");
            for (int i = 0; i < 3 && !over() && here() >= '0' && here() <= '7'; ++i) ++at_;
            return;
        }
        if (number > groups_.size() || !groups_[number - 1] || in_look_around)
            refuse_pattern("a back reference names no group");
    }

    // --- brackets

    enum class Member { character, whole_class };  ///< what may begin and end a range, and what may not

    void bracket() {
        take("^");
        bool first = true;
        for (;; first = false) {
            if (over()) refuse_pattern("brackets are not balanced");
            if (here() == ']' && !first) break;
            if (here() == '-' && !first && !(at_ + 1 < text_.size() && text_[at_ + 1] == ']'))
                refuse_pattern("a range of characters is not valid");
            Character from = 0;
            const Member member = bracket_member(from);
            if (!range_follows()) continue;
            ++at_;
            Character to = 0;
            const bool plain = member == Member::character && bracket_member(to) == Member::character;
            if (!plain || (from != 0 && to != 0 && from > to)) refuse_pattern("a range of characters is not valid");
        }
        ++at_;
    }

    bool range_follows() const { return at_ + 1 < text_.size() && here() == '-' && text_[at_ + 1] != ']'; }

    /// `value` stays 0 when it is not told by the text alone.
    Member bracket_member(Character& value) {
        if (over()) refuse_pattern("brackets are not balanced");
        if (starts_with("[:")) return named_class(":]"), Member::whole_class;
        if (starts_with("[=")) return collating_element("=]", value), Member::whole_class;
        if (starts_with("[.")) return collating_element(".]", value), Member::character;
        if (take("\\")) {
            if (over()) refuse_pattern("an escape is not valid");
            const Character c = here();
            if (c >= '1' && c <= '9') refuse_pattern("an escape is not valid");
            ++at_;
            if (is_one_of(c, "dDsSwW")) return Member::whole_class;
            if (is_one_of(c, "AmMyYZ")) refuse_pattern("an escape is not valid");
            value = character_escape(c);
            return Member::character;
        }
        value = here();
        ++at_;
        return Member::character;
    }

    std::string name_until(std::string_view end) {
        at_ += 2;
        std::string name;
        while (!over() && !starts_with(end)) {
            name += here() < 0x80 ? static_cast<char>(here()) : '?';
            ++at_;
        }
        if (!take(end)) refuse_pattern("brackets are not balanced");
        return name;
    }

    void named_class(std::string_view end) {
        static constexpr std::array<std::string_view, 14> kClasses{"alnum", "alpha", "ascii",  "blank", "cntrl",
                                                                   "digit", "graph", "lower",  "print", "punct",
                                                                   "space", "upper", "xdigit", "word"};
        const std::string name = name_until(end);
        if (std::find(kClasses.begin(), kClasses.end(), name) == kClasses.end())
            refuse_pattern("a character class is not known");
    }

    void collating_element(std::string_view end, Character& value) {
        const std::string name = name_until(end);
        if (name.empty()) refuse_pattern("a collating element is not known");
        if (name.size() == 1 && name != "?") value = static_cast<Character>(name[0]);
        // Longer ones are names of single characters.
        static constexpr std::array<std::string_view, 28> kNames{"NUL",
                                                                 "alert",
                                                                 "backspace",
                                                                 "tab",
                                                                 "newline",
                                                                 "space",
                                                                 "exclamation-mark",
                                                                 "hyphen",
                                                                 "period",
                                                                 "comma",
                                                                 "colon",
                                                                 "semicolon",
                                                                 "slash",
                                                                 "backslash",
                                                                 "plus-sign",
                                                                 "asterisk",
                                                                 "zero",
                                                                 "underscore",
                                                                 "low-line",
                                                                 "circumflex",
                                                                 "tilde",
                                                                 "dollar-sign",
                                                                 "percent-sign",
                                                                 "ampersand",
                                                                 "apostrophe",
                                                                 "number-sign",
                                                                 "commercial-at",
                                                                 "full-stop"};
        if (name.size() > 1 && std::find(kNames.begin(), kNames.end(), name) == kNames.end())
            refuse_pattern("a collating element is not known");
    }

    const std::vector<Character> text_;
    std::size_t at_ = 0;
    bool expanded_ = false;
    std::vector<bool> groups_;  ///< in the order of their parentheses: whether closed
};

}  // namespace

std::optional<std::string> wrong_in_pattern(std::string_view pattern) try {
    Grammar(pattern).check();
    return std::nullopt;
} catch (const Error& error) {
    return error.text();
}

}  // namespace pgedge
