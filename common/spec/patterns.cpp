#include "common/spec/patterns.hpp"

#include <algorithm>

#include "common/base/text.hpp"

namespace pgedge {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool are_digits(std::string_view text, std::size_t least, std::size_t most) {
    return text.size() >= least && text.size() <= most && std::all_of(text.begin(), text.end(), is_digit);
}
constexpr std::size_t kAny = std::string_view::npos;

bool is_short_identifier(std::string_view text) { return is_identifier(text); }

bool is_node_name(std::string_view text) { return text.starts_with('n') && are_digits(text.substr(1), 1, kAny); }

bool is_postgres_version(std::string_view text) {
    const auto dot = text.find('.');
    return are_digits(text.substr(0, dot), 2, 2) &&
           (dot == std::string_view::npos || are_digits(text.substr(dot + 1), 1, 2));
}

bool is_spock_version(std::string_view text) { return are_digits(text, 1, 1); }

bool is_cpus(std::string_view text) {
    if (text.ends_with('m')) return are_digits(text.substr(0, text.size() - 1), 1, kAny);
    const auto dot = text.find('.');
    return are_digits(text.substr(0, dot), 1, kAny) &&
           (dot == std::string_view::npos || are_digits(text.substr(dot + 1), 1, 3));
}

bool is_short_time(std::string_view text) {
    constexpr std::size_t kMostDigits = 6;
    if (!text.ends_with('s')) return false;
    text.remove_suffix(text.ends_with("ms") ? 2 : 1);
    return are_digits(text, 1, kMostDigits);
}

bool is_service_version(std::string_view text) {
    if (text == "latest") return true;
    int parts = 0;
    for (;;) {
        const auto dot = text.find('.');
        if (!are_digits(text.substr(0, dot), 1, kAny)) return false;
        ++parts;
        if (dot == std::string_view::npos) return parts == 2 || parts == 3;
        text.remove_prefix(dot + 1);
    }
}

bool is_pipeline_name(std::string_view text) {
    const auto is_first = [](char c) { return is_lower(c) || is_digit(c) || c == '_'; };
    return !text.empty() && is_first(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return is_first(c) || c == '-'; });
}

}  // namespace

const Pattern kIdentifier{"^[a-z0-9](?:[a-z0-9]|-(?!-)){0,34}[a-z0-9]$|^[a-z0-9]$",
                          "1 to 36 lower-case letters, digits and single hyphens, with a letter or digit at both ends",
                          is_short_identifier, "invalid_input"};
const Pattern kNodeName{"^n[0-9]+$", "n and a number: n1, n2, …", is_node_name};
const Pattern kPostgresVersion{"^[0-9]{2}(\\.[0-9]{1,2})?$", "a version: 17.10, or 17 for the newest minor of it",
                               is_postgres_version};
const Pattern kSpockVersion{"^[0-9]$", "one digit: 5", is_spock_version};
const Pattern kCpus{"^[0-9]+(\\.[0-9]{1,3}|m)?$", "a number of CPUs, or thousandths: 0.5, 500m", is_cpus};
const Pattern kShortTime{"^[0-9]{1,6}m?s$", "a time in s or ms: 8s, 4500ms", is_short_time, "invalid_input"};
const Pattern kServiceVersion{"^([0-9]+\\.[0-9]+(\\.[0-9]+)?|latest)$", "a version or latest: 1.2.3",
                              is_service_version};
const Pattern kPipelineName{"^[a-z0-9_][a-z0-9_-]*$",
                            "lower-case letters, digits, underscores and hyphens, with no hyphen at the start",
                            is_pipeline_name, "invalid_input"};

}  // namespace pgedge
