#include "common/spec/server_settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace pgedge {
namespace {

std::string lower(std::string_view text) {
    std::string result(text);
    for (auto& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

struct NumberSetting {
    bool whole = false;
    std::string unit;
    double least = 0, most = 0;
    std::string bounds;  ///< "64 to 2147483647 kB"
};

/// The tables of server_settings_table.cpp, read once.
struct Tables {
    std::map<std::string, NumberSetting> numbers;
    std::map<std::string, std::vector<std::string>> words;
    std::set<std::string> booleans, texts, fixed;

    Tables() {
        for (const auto& line : split(kNumberSettings, '\n')) {
            const auto parts = split(line, ' ');
            if (parts.size() != 5) continue;
            const auto number = [](const std::string& text) {
                return text == "max" ? std::numeric_limits<double>::max() : std::stod(text);
            };
            const std::string unit = parts[2] == "-" ? "" : parts[2];
            numbers[lower(parts[0])] = {
                parts[1] == "int", unit, number(parts[3]), number(parts[4]),
                fmt::format("{}{}{}", parts[4] == "max" ? "at least " + parts[3] : parts[3] + " to " + parts[4],
                            unit.empty() ? "" : " ", unit)};
        }
        for (const auto& line : split(kEnumSettings, '\n'))
            if (const auto blank = line.find(' '); blank != std::string::npos)
                words[lower(line.substr(0, blank))] = split(line.substr(blank + 1), '|');
        booleans = names_in(kBooleanSettings);
        texts = names_in(kTextSettings);
        fixed = names_in(kFixedSettings);
    }

    static std::set<std::string> names_in(std::string_view table) {
        std::set<std::string> names;
        for (const auto& line : split(table, '\n'))
            for (const auto& name : split(line, ' '))
                if (!name.empty()) names.insert(lower(name));
        return names;
    }

    std::vector<std::string> all() const {
        std::vector<std::string> names;
        for (const auto& [name, facts] : numbers) names.push_back(name);
        for (const auto& [name, facts] : words) names.push_back(name);
        for (const auto* set : {&booleans, &texts, &fixed}) names.insert(names.end(), set->begin(), set->end());
        return names;
    }
};

const Tables& tables() {
    static const Tables all;
    return all;
}

/// Settings that came after 15, so that 15 does not start with them.
bool is_newer_than_15(const std::string& name) {
    static const std::set<std::string> newer = Tables::names_in(
        "allow_alter_system autovacuum_vacuum_max_threshold autovacuum_worker_slots commit_timestamp_buffers "
        "enable_distinct_reordering enable_group_by_reordering enable_presorted_aggregate enable_self_join_elimination "
        "event_triggers gss_accept_delegation idle_replication_slot_timeout io_combine_limit io_max_combine_limit "
        "io_max_concurrency io_workers log_lock_failures max_active_replication_origins max_notify_queue_pages "
        "max_parallel_apply_workers_per_subscription md5_password_warnings multixact_member_buffers "
        "multixact_offset_buffers notify_buffers reserved_connections "
        "scram_iterations serializable_buffers subtransaction_buffers summarize_wal sync_replication_slots "
        "track_cost_delay_timing transaction_buffers transaction_timeout vacuum_buffer_usage_limit "
        "vacuum_max_eager_freeze_failure_rate wal_summary_keep_time");
    return newer.contains(name);
}

struct Unit {
    std::string_view name;
    double size;  ///< in bytes, or in milliseconds
};
constexpr std::array<Unit, 5> kMemory{{{"B", 1}, {"kB", 1024}, {"MB", 0x1p20}, {"GB", 0x1p30}, {"TB", 0x1p40}}};
constexpr std::array<Unit, 6> kTime{
    {{"us", 0.001}, {"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

/// Of a setting's own unit: nullopt for another family. "8kB" is a block.
template <std::size_t Size>
std::optional<double> size_of(const std::array<Unit, Size>& units, std::string_view name) {
    for (const auto& unit : units)
        if (unit.name == name) return unit.size;
    return std::nullopt;
}

struct Parsed {
    std::optional<double> number;
    std::string problem;  ///< when there is none
};

Parsed problem(std::string text) { return {std::nullopt, std::move(text)}; }

/// How many of `own` one of the written unit is.
Parsed in_own_unit(double number, std::string_view written, const std::string& own) {
    if (own.empty()) return problem("takes no unit");
    const bool memory = own.ends_with('B');
    const auto there = memory ? size_of(kMemory, written) : size_of(kTime, written);
    if (!there)
        return problem(fmt::format("\"{}\" is none of its units: {}", shortened(written, 20),
                                   memory ? "B, kB, MB, GB, TB" : "us, ms, s, min, h, d"));
    const auto here = own == "8kB" ? 8192.0 : memory ? *size_of(kMemory, own) : *size_of(kTime, own);
    return {number * *there / here, {}};
}

Parsed parse(const NumberSetting& setting, const std::string& value) {
    const std::string_view text = trimmed(value);
    const char *begin = text.data(), *end = begin + text.size();
    const bool negative = begin != end && *begin == '-';
    const char* digits = begin + (begin != end && (*begin == '-' || *begin == '+') ? 1 : 0);
    if (digits == end || !((*digits >= '0' && *digits <= '9') || *digits == '.'))
        return problem(fmt::format("\"{}\" is no number", shortened(value, 40)));
    double number = 0;
    const char* rest = digits;
    const bool hex = end - digits > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    if (setting.whole && (hex || (digits[0] == '0' && end - digits > 1 && digits[1] >= '0' && digits[1] <= '9'))) {
        unsigned long long whole = 0;
        const auto [at, error] = std::from_chars(digits + (hex ? 2 : 1), end, whole, hex ? 16 : 8);
        if (error == std::errc::invalid_argument)
            return problem(fmt::format("\"{}\" is no number", shortened(value, 40)));
        number = error == std::errc() ? static_cast<double>(whole) : HUGE_VAL;
        rest = at;
    } else {
        const auto [at, error] = std::from_chars(digits, end, number);
        if (error == std::errc::invalid_argument)
            return problem(fmt::format("\"{}\" is no number", shortened(value, 40)));
        if (error == std::errc::result_out_of_range) number = HUGE_VAL;
        rest = at;
    }
    if (negative) number = -number;
    const auto unit = trimmed({rest, static_cast<std::size_t>(end - rest)});
    if (!unit.empty()) {
        const auto converted = in_own_unit(number, unit, setting.unit);
        if (!converted.number) return problem(fmt::format("{}: {}", shortened(value, 40), converted.problem));
        number = *converted.number;
    }
    if (setting.whole) number = std::rint(number);
    if (std::isnan(number) || number < setting.least || number > setting.most)
        return problem(fmt::format("{} is outside of its range, {}", shortened(value, 40), setting.bounds));
    return {number, {}};
}

/// The words of parse_bool(): beginnings count as long as they are clear.
bool is_boolean(const std::string& value) {
    const std::string word = lower(value);
    if (word.empty()) return false;
    if (word == "1" || word == "0") return true;
    for (const std::string_view full : {"true", "false", "yes", "no"})
        if (full.starts_with(word)) return true;
    return word == "on" || (word.size() >= 2 && std::string_view("off").starts_with(word));
}

bool is_word_of(const std::vector<std::string>& words, const std::string& value) {
    const std::string wanted = lower(value);
    const auto has = [&](std::string_view word) {
        return std::any_of(words.begin(), words.end(), [&](const auto& each) { return lower(each) == word; });
    };
    if (has(wanted)) return true;
    // Words that servers take and do not show.
    if (has("on")) {
        for (const char* hidden : {"true", "false", "yes", "no", "1", "0"})
            if (wanted == hidden) return true;
    }
    return has("debug2") && (wanted == "debug" || wanted == "info");
}

struct OwnSetting {
    std::string_view name, why, as;  ///< `as`: the value that may be repeated
};
constexpr std::string_view kByProduct = "the platform sets it";
constexpr std::array<OwnSetting, 30> kOwn{{
    {"port", "use port of the database or the node", ""},
    {"hba_file", "use pg_hba_conf", ""},
    {"ident_file", "use pg_ident_conf", ""},
    {"listen_addresses", "a server listens on the addresses of its host", ""},
    {"compute_query_id", "replication of DDL needs it on", "on"},
    {"config_file", kByProduct, ""},
    {"data_directory", kByProduct, ""},
    {"external_pid_file", kByProduct, ""},
    {"hot_standby", "replicas take readers", "on"},
    {"include", kByProduct, ""},
    {"include_dir", kByProduct, ""},
    {"include_if_exists", kByProduct, ""},
    {"output_plugin_libraries", kByProduct, ""},
    {"primary_conninfo", kByProduct, ""},
    {"primary_slot_name", kByProduct, ""},
    {"ssl", "nodes reach each other over TLS", "on"},
    {"ssl_ca_file", kByProduct, ""},
    {"ssl_cert_file", kByProduct, ""},
    {"ssl_key_file", kByProduct, ""},
    {"track_activities", "replication of DDL needs it on", "on"},
    {"track_commit_timestamp", "replication needs it on", "on"},
    {"unix_socket_directories", kByProduct, ""},
    {"wal_level", "replication needs it logical", "logical"},
    {"event_triggers", "replication of DDL needs them", "on"},
    {"session_replication_role", "replication of DDL needs its triggers to fire", "origin"},
    {"recovery_target", kByProduct, ""},
    {"recovery_target_lsn", kByProduct, ""},
    {"recovery_target_name", kByProduct, ""},
    {"recovery_target_time", kByProduct, ""},
    {"recovery_target_xid", kByProduct, ""},
}};

bool says(std::string_view wanted, const std::string& value) {
    if (lower(value) == wanted) return true;
    const std::string word = lower(value);
    return wanted == "on" && (word == "true" || word == "yes" || word == "1");
}

}  // namespace

std::optional<std::string> wrong_in_setting(std::string_view name, const std::string& value) {
    const std::string wanted = lower(name);
    const Tables& known = tables();
    if (known.fixed.contains(wanted)) return "cannot be set in postgresql.conf";
    if (known.booleans.contains(wanted)) {
        if (is_boolean(value)) return std::nullopt;
        return fmt::format("\"{}\" is neither on nor off", shortened(value, 40));
    }
    if (const auto found = known.words.find(wanted); found != known.words.end()) {
        if (is_word_of(found->second, value)) return std::nullopt;
        return fmt::format("\"{}\" is none of {}", shortened(value, 40), joined(found->second, ", "));
    }
    if (const auto found = known.numbers.find(wanted); found != known.numbers.end())
        if (auto parsed = parse(found->second, value); !parsed.number) return parsed.problem;
    return std::nullopt;
}

std::optional<double> setting_number(std::string_view name, const std::string& value) {
    const auto found = tables().numbers.find(lower(name));
    return found == tables().numbers.end() ? std::nullopt : parse(found->second, value).number;
}

bool may_be_setting_of_15(std::string_view name) {
    const std::string wanted = lower(name);
    if (wanted.find('.') != std::string::npos) return true;
    if (is_newer_than_15(wanted)) return false;
    const Tables& known = tables();
    return known.numbers.contains(wanted) || known.words.contains(wanted) || known.booleans.contains(wanted) ||
           known.texts.contains(wanted) || known.fixed.contains(wanted) || wanted == "port";
}

std::optional<std::string> nearest_setting(std::string_view name) { return nearest(lower(name), tables().all()); }

std::optional<std::string> why_not_settable(std::string_view name, const std::string& value) {
    const std::string wanted = lower(name);
    const auto own =
        std::find_if(kOwn.begin(), kOwn.end(), [&](const OwnSetting& each) { return each.name == wanted; });
    if (own == kOwn.end() || (!own->as.empty() && says(own->as, value))) return std::nullopt;
    return std::string(own->why);
}

std::vector<SettingFloor> setting_floors(int nodes, int replicas) {
    const int peers = std::max(nodes - 1, 0);
    return {
        {"max_connections", 10, "the platform's own sessions and those kept for superusers need some"},
        {"superuser_reserved_connections", 3,
         "the platform's own sessions need them when clients have taken all others"},
        {"max_wal_senders", peers + 2 * replicas + 2, "one per other node, two per replica, two for copies and tools"},
        {"max_replication_slots", (replicas > 0 ? 3 : 2) * peers + replicas + 2,
         "two per other node, three when a replica may take over, one per replica, two for copies and tools"},
        {"max_active_replication_origins", 2 * peers + 2, "two per other node, two for copies"},
        {"max_worker_processes", peers + 6, "one per other node, six for the supervisor, the manager and the like"},
    };
}

}  // namespace pgedge
