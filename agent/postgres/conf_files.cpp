#include "agent/postgres/conf_files.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kHeader =
    "# Written by pgedge-agent; changes made here are lost. Change the database's spec.\n";
constexpr std::string_view kMap = "pgedge_system", kCertificateMap = "pgedge_certificate";
constexpr std::size_t kLongestName = 64, kHashDigits = 32;
constexpr std::string_view kUserMaps = "# pg_ident_conf of the spec:\n";

/// A parameter: letters, digits and underscores, with at most one dot for an extension's (guc-file.l, ID and
/// QUALIFIED_ID).
bool is_parameter_name(std::string_view name) {
    if (name.empty() || name.front() == '.' || name.back() == '.' || std::count(name.begin(), name.end(), '.') > 1)
        return false;
    if (name.front() >= '0' && name.front() <= '9') return false;
    return std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return c == '.' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
}

/// A string of postgresql.conf: quotes doubled, and what could end the line as an escape (guc-file.l,
/// DeescapeQuotedString).
std::string in_quotes(std::string_view value) {
    std::string text = "'";
    for (const char c : value) {
        switch (c) {
            case '\'': text += "''"; break;
            case '\\': text += "\\\\"; break;
            case '\n': text += "\\n"; break;
            case '\r': text += "\\r"; break;
            case '\t': text += "\\t"; break;
            case '\0': throw Error(ErrorKind::invalid_input, "a value has a NUL character");
            default: text += c;
        }
    }
    return text + "'";
}

/// The address as pg_hba.conf wants it. A connection between addresses of 127.0.0.0/8 comes from 127.0.0.1, whatever
/// the address of the server behind it, so a loopback peer stands for all of loopback.
std::string network_of(const std::string& address) {
    if (address.starts_with("127.")) return "127.0.0.0/8";
    return address + (address.find(':') == std::string::npos ? "/32" : "/128");
}

std::string line(std::string_view type, std::string_view database, std::string_view user, std::string_view address,
                 std::string_view method) {
    return fmt::format("{:<9} {:<13} {:<20} {:<20} {}\n", type, database, user, address, method);
}

std::string internal_users(std::string_view address, bool failover_slots) {
    constexpr std::string_view kType = "hostssl";
    const auto method = fmt::format("cert map={}", kCertificateMap);
    return line(kType, "all", kSuperuser, address, method) +
           line(kType, failover_slots ? "replication,postgres" : "replication", kReplicator, address, method);
}

/// An entry of the spec is one line: what would be a second one is refused.
void append_user_line(std::string& text, const std::string& entry) {
    if (entry.find_first_of("\n\r") != std::string::npos || entry.find('\0') != std::string::npos)
        throw Error(ErrorKind::invalid_input, "an entry holds a line end: '" + entry.substr(0, 40) + "'");
    text += entry + "\n";
}

}  // namespace

std::string postgresql_conf(const std::map<std::string, std::string>& settings) {
    std::string text(kHeader);
    for (const auto& [name, value] : settings) {
        if (!is_parameter_name(name)) throw Error(ErrorKind::invalid_input, "'" + name + "' is not a parameter's name");
        text += name + " = " + in_quotes(value) + "\n";
    }
    return text;
}

std::string pg_hba_conf(const AccessRules& rules) {
    std::string text(kHeader);
    text += line("local", "all", kSuperuser, "", fmt::format("peer map={}", kMap));
    std::set<std::string> networks;
    for (const auto& peer : rules.peers) networks.insert(network_of(peer));
    for (const auto& network : networks) text += internal_users(network, rules.failover_slots);
    for (const char* anywhere : {"0.0.0.0/0", "::/0"}) {
        text += line("host", "all,replication", fmt::format("{},{}", kSuperuser, kReplicator), anywhere, "reject");
    }
    if (rules.closed) return text + line("local", "all", "all", "", "reject");
    for (const auto& entry : rules.user_lines) append_user_line(text, entry);
    text += line("local", "all", "all", "", rules.method);
    if (!rules.published) return text;
    text += line("host", "all", "all", "0.0.0.0/0", rules.method);
    text += line("host", "all", "all", "::/0", rules.method);
    return text;
}

std::string certificate_name(std::string_view user, std::string_view database_id) {
    std::string name = fmt::format("{}:{}", user, database_id);
    if (name.size() <= kLongestName) return name;
    return fmt::format("{}:{}", user, to_hex(sha256(database_id)).substr(0, kHashDigits));
}

std::string pg_ident_conf(const std::vector<std::string>& system_users, const std::vector<CertificateLogin>& logins,
                          const std::vector<std::string>& user_lines) {
    std::string text(kHeader);
    for (const auto& user : system_users) text += fmt::format("{} {} {}\n", kMap, user, kSuperuser);
    for (const auto& [name, user] : logins) text += fmt::format("{} {} {}\n", kCertificateMap, name, user);
    if (!user_lines.empty()) text += kUserMaps;
    for (const auto& entry : user_lines) append_user_line(text, entry);
    return text;
}

std::optional<std::string> without_user_maps(std::string_view pg_ident_conf) {
    const auto at = pg_ident_conf.find(kUserMaps);
    if (at == std::string_view::npos) return std::nullopt;
    return std::string(pg_ident_conf.substr(0, at));
}

}  // namespace pgedge
