#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/spec/entries.hpp"

namespace pgedge {
namespace {

/// Fields of a line: separated by blanks, "…" keeps blanks together, a comma joins what stands around it, # begins a
/// comment. Throws Error{invalid_input} for a quote that is not closed and for more than one line.
std::vector<std::string> fields_of(std::string_view line) {
    std::vector<std::string> fields;
    std::string field;
    bool in_field = false, in_quotes = false, after_comma = false;
    for (const char c : line) {
        if (c == '\n' || c == '\r' || c == '\0') throw Error(ErrorKind::invalid_input, "it must be one line");
        if (c == '"') {
            in_quotes = !in_quotes;
            in_field = true;
        } else if (!in_quotes && c == '#') {
            break;
        } else if (!in_quotes && (c == ' ' || c == '\t')) {
            if (in_field && !after_comma) {
                fields.push_back(field);
                field.clear();
                in_field = false;
            }
        } else {
            // A comma may have blanks before it: it still belongs to the field.
            if (c == ',' && !in_quotes && !in_field && !fields.empty()) {
                field = fields.back();
                fields.pop_back();
            }
            in_field = true;
            after_comma = c == ',' && !in_quotes;
            field += c;
        }
        if (c == '"') after_comma = false;
    }
    if (in_quotes) throw Error(ErrorKind::invalid_input, "a quote is not closed");
    if (in_field) fields.push_back(field);
    return fields;
}

constexpr std::array<std::string_view, 3> kIncludes{"include", "include_if_exists", "include_dir"};
constexpr std::array<std::string_view, 5> kHostTypes{"host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"};

template <std::size_t Size>
bool is_in(const std::array<std::string_view, Size>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// A bare IP address has its mask in the next field.
bool needs_mask(std::string_view address) {
    const bool is_v4 = address.find_first_not_of("0123456789.") == std::string_view::npos;
    const bool is_v6 = address.find(':') != std::string_view::npos && address.find('/') == std::string_view::npos;
    return is_v4 || is_v6;
}

std::string unknown_type(const std::string& word) {
    std::vector<std::string> known{"local"};
    known.insert(known.end(), kHostTypes.begin(), kHostTypes.end());
    known.insert(known.end(), kIncludes.begin(), kIncludes.end());
    const auto meant = nearest(word, known);
    return fmt::format("invalid pg_hba entry: \"{}\" is no connection type{}", shortened(word, 40),
                       meant ? fmt::format(", did you mean \"{}\"?", *meant) : "");
}

std::optional<std::string> wrong_include(const std::vector<std::string>& fields, std::string_view file) {
    if (fields.size() == 2) return std::nullopt;
    return fmt::format("invalid {} entry: {} needs the name of a file or directory", file, fields[0]);
}

}  // namespace

std::optional<std::string> wrong_in_hba_entry(std::string_view line) try {
    const auto fields = fields_of(line);
    if (fields.empty()) return std::nullopt;
    if (is_in(kIncludes, fields[0])) return wrong_include(fields, "pg_hba");
    if (fields[0] == "local") {
        if (fields.size() < 4) return "invalid pg_hba entry: local needs a database, a user and a method";
        return std::nullopt;
    }
    if (!is_in(kHostTypes, fields[0])) return unknown_type(fields[0]);
    if (fields.size() < 5)
        return fmt::format("invalid pg_hba entry: {} needs a database, a user, an address and a method", fields[0]);
    if (needs_mask(fields[3]) && fields.size() < 6)
        return fmt::format("invalid pg_hba entry: the address {} needs a mask: {}/32, or a mask in the next field",
                           fields[3], fields[3]);
    return std::nullopt;
} catch (const Error& error) {
    return "invalid pg_hba entry: " + error.text();
}

std::optional<std::string> wrong_in_ident_entry(std::string_view line) try {
    const auto fields = fields_of(line);
    if (fields.empty()) return std::nullopt;
    if (is_in(kIncludes, fields[0])) return wrong_include(fields, "pg_ident");
    if (fields.size() != 3) return "invalid pg_ident entry: needs a map, a system user and a database user";
    return std::nullopt;
} catch (const Error& error) {
    return "invalid pg_ident entry: " + error.text();
}

}  // namespace pgedge
