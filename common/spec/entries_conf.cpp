#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/spec/entries.hpp"

namespace pgedge {
namespace {

/// One field of a line: its values, separated by commas.
using ConfField = std::vector<std::string>;

/// PostgreSQL's own splitting (hba.c, next_token() and next_field_expand()): blanks end a field and a comma right
/// behind a value goes on with it, "…" keeps blanks and commas together, "" in it is a quote, # begins a comment.
class Line {
public:
    explicit Line(std::string_view text) : text_(text) {
        if (text.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos)
            throw Error(ErrorKind::invalid_input, "it must be one line");
    }

    std::vector<ConfField> fields() {
        std::vector<ConfField> fields;
        for (;;) {
            while (at_ < text_.size() && (is_blank() || text_[at_] == ',')) ++at_;
            if (at_ >= text_.size() || text_[at_] == '#') return fields;
            ConfField field;
            bool more = true;
            while (more) {
                while (at_ < text_.size() && (is_blank() || text_[at_] == ',')) ++at_;
                if (at_ >= text_.size() || text_[at_] == '#') break;
                field.push_back(value(more));
            }
            fields.push_back(std::move(field));
        }
    }

private:
    bool is_blank() const { return text_[at_] == ' ' || text_[at_] == '\t'; }

    std::string value(bool& comma) {
        std::string value;
        bool in_quotes = false, was_quote = false;
        comma = false;
        for (; at_ < text_.size() && (in_quotes || !is_blank()); ++at_) {
            const char c = text_[at_];
            if (!in_quotes && c == '#') break;
            if (!in_quotes && c == ',') {
                comma = true;
                ++at_;
                break;
            }
            if (c != '"' || was_quote) value += c;
            was_quote = in_quotes && c == '"' && !was_quote;
            if (c == '"') in_quotes = !in_quotes;
        }
        if (in_quotes) throw Error(ErrorKind::invalid_input, "a quote is not closed");
        return value;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

constexpr std::array<std::string_view, 3> kIncludes{"include", "include_if_exists", "include_dir"};
constexpr std::array<std::string_view, 5> kHostTypes{"host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"};

template <std::size_t Size>
bool is_in(const std::array<std::string_view, Size>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

[[noreturn]] void refuse(std::string why) { throw Error(ErrorKind::invalid_input, std::move(why)); }

const std::string& single(const ConfField& field, std::string_view what) {
    if (field.size() != 1) refuse(fmt::format("{} must be one value, without a comma", what));
    return field.front();
}

/// A value that begins with a slash is a regular expression: of system users everywhere, of databases and users since
/// 16.
void check_pattern(const std::string& value) {
    if (!value.starts_with('/')) return;
    if (const auto wrong = wrong_in_pattern(std::string_view(value).substr(1)))
        refuse(fmt::format("\"{}\" is not a regular expression: {}", shortened(value, 60), *wrong));
}

std::string unknown_type(const std::string& word) {
    std::vector<std::string> known{"local"};
    known.insert(known.end(), kHostTypes.begin(), kHostTypes.end());
    known.insert(known.end(), kIncludes.begin(), kIncludes.end());
    const auto meant = nearest(word, known);
    return fmt::format("\"{}\" is no connection type{}", shortened(word, 40),
                       meant ? fmt::format(", did you mean \"{}\"?", *meant) : "");
}

void check_include(const std::vector<ConfField>& fields) {
    if (fields.size() != 2 || fields[1].size() != 1 || fields[1][0].empty())
        refuse(fmt::format("{} needs the name of a file or directory", fields[0][0]));
}

bool looks_like_v4(std::string_view address) {
    return !address.empty() && address.find_first_not_of("0123456789.") == std::string_view::npos;
}
bool looks_like_v6(std::string_view address) { return address.find(':') != std::string_view::npos; }

/// Returns how many fields the address takes: a bare IP address has its mask in the next one.
std::size_t check_address(const std::vector<ConfField>& fields) {
    const std::string& address = single(fields[3], "the address");
    const auto slash = address.find('/');
    const std::string ip = address.substr(0, slash);
    const bool v4 = looks_like_v4(ip), v6 = looks_like_v6(ip);
    if (slash == std::string::npos && !v4 && !v6) return 1;  // all, samehost, samenet, a host's name
    const bool zone = ip.find('%') != std::string::npos;
    const bool parts = v4 && std::count(ip.begin(), ip.end(), '.') < 3;  // 10.1 is 10.0.0.1
    if (!v4 && !v6) refuse(fmt::format("the name of a host takes no mask: {}", shortened(address, 60)));
    if (!zone && !parts && !is_ip_address(ip)) refuse(fmt::format("{} is not an IP address", shortened(ip, 60)));
    if (slash != std::string::npos) {
        const std::string mask = address.substr(slash + 1);
        int bits = -1;
        const auto [end, error] = std::from_chars(mask.data(), mask.data() + mask.size(), bits);
        if (error != std::errc() || end != mask.data() + mask.size() || bits < 0 || bits > (v6 ? 128 : 32))
            refuse(fmt::format("the mask of {} must be 0 to {}", shortened(address, 60), v6 ? 128 : 32));
        return 1;
    }
    if (fields.size() < 6)
        refuse(fmt::format("the address {} needs a mask: {}/{}, or a mask in the next field", ip, ip, v6 ? 128 : 32));
    const std::string& mask = single(fields[4], "the mask");
    if (v6 ? !looks_like_v6(mask) : !looks_like_v4(mask))
        refuse(fmt::format("{} is not a mask for {}", shortened(mask, 60), ip));
    return 2;
}

struct Option {
    std::string_view name, methods;  ///< methods: those that take it, between blanks; empty: all
};
constexpr std::array<Option, 29> kOptions{{{"map", " ident peer gss sspi cert oauth "},
                                           {"clientcert", ""},
                                           {"clientname", ""},
                                           {"pamservice", " pam "},
                                           {"pam_use_hostname", " pam "},
                                           {"include_realm", " gss sspi "},
                                           {"krb_realm", " gss sspi "},
                                           {"compat_realm", " sspi "},
                                           {"upn_username", " sspi "},
                                           {"ldapurl", " ldap "},
                                           {"ldaptls", " ldap "},
                                           {"ldapscheme", " ldap "},
                                           {"ldapserver", " ldap "},
                                           {"ldapport", " ldap "},
                                           {"ldapbinddn", " ldap "},
                                           {"ldapbindpasswd", " ldap "},
                                           {"ldapsearchattribute", " ldap "},
                                           {"ldapsearchfilter", " ldap "},
                                           {"ldapbasedn", " ldap "},
                                           {"ldapprefix", " ldap "},
                                           {"ldapsuffix", " ldap "},
                                           {"radiusservers", " radius "},
                                           {"radiusports", " radius "},
                                           {"radiussecrets", " radius "},
                                           {"radiusidentifiers", " radius "},
                                           {"issuer", " oauth "},
                                           {"scope", " oauth "},
                                           {"validator", " oauth "},
                                           {"delegate_ident_mapping", " oauth "}}};

void check_method(const std::string& method, std::string_view type) {
    static constexpr std::array<std::string_view, 12> kMethods{
        "trust", "reject", "scram-sha-256", "md5", "password", "gss", "ident", "peer", "pam", "ldap", "radius", "cert"};
    const bool local = type == "local";
    if (!is_in(kMethods, method) && method != "oauth") {
        const auto meant = nearest(method, {kMethods.begin(), kMethods.end()});
        refuse(fmt::format("\"{}\" is no authentication method{}", shortened(method, 40),
                           meant ? fmt::format(", did you mean \"{}\"?", *meant) : ""));
    }
    if (local && method == "gss") refuse("gss is not for local connections");
    if (!local && method == "peer") refuse("peer is for local connections only");
    if (type != "hostssl" && method == "cert") refuse("cert is for hostssl connections only");
}

void check_option(const std::string& text, const std::string& method, std::string_view type) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) refuse(fmt::format("the option \"{}\" is not name=value", shortened(text, 40)));
    const std::string name = text.substr(0, equals), value = text.substr(equals + 1);
    const auto found =
        std::find_if(kOptions.begin(), kOptions.end(), [&](const Option& option) { return option.name == name; });
    if (found == kOptions.end()) refuse(fmt::format("there is no option \"{}\"", shortened(name, 40)));
    const bool ident = type == "local" && method == "ident";  // means peer
    if (!found->methods.empty() && !ident && found->methods.find(" " + method + " ") == std::string_view::npos)
        refuse(fmt::format("the option {} is not for the method {}", name, method));
    if (!name.starts_with("client")) return;
    if (type != "hostssl") refuse(fmt::format("the option {} is for hostssl connections only", name));
    const bool known = name == "clientcert" ? value == "verify-full" || (value == "verify-ca" && method != "cert")
                                            : value == "CN" || value == "DN";
    if (!known) refuse(fmt::format("{} cannot be \"{}\" with {}", name, shortened(value, 40), method));
}

/// What a method does not work without; of ldap either a search or a prefix and suffix.
void check_needs(const std::string& method, const std::vector<std::string>& given) {
    const auto has = [&](std::string_view name) {
        return std::any_of(given.begin(), given.end(),
                           [&](const std::string& option) { return option.starts_with(std::string(name) + "="); });
    };
    if (method == "radius" && !(has("radiusservers") && has("radiussecrets")))
        refuse("radius needs radiusservers and radiussecrets");
    if (method != "ldap") return;
    const bool around = has("ldapprefix") || has("ldapsuffix");
    bool search = false;
    for (const char* name :
         {"ldapbasedn", "ldapbinddn", "ldapbindpasswd", "ldapsearchattribute", "ldapsearchfilter", "ldapurl"})
        search = search || has(name);
    if (!around && !has("ldapbasedn") && !has("ldapurl")) refuse("ldap needs ldapbasedn, ldapprefix or ldapsuffix");
    if (around && search) refuse("ldapprefix and ldapsuffix are not for an ldap search");
}

void check_hba(const std::vector<ConfField>& fields) {
    const std::string& type = single(fields[0], "the connection type");
    if (is_in(kIncludes, type)) return check_include(fields);
    const bool local = type == "local";
    if (!local && !is_in(kHostTypes, type)) refuse(unknown_type(type));
    if (local && fields.size() < 4) refuse("local needs a database, a user and a method");
    if (!local && fields.size() < 5) refuse(fmt::format("{} needs a database, a user, an address and a method", type));
    for (const auto& list : {fields[1], fields[2]})
        for (const auto& value : list) check_pattern(value);
    std::size_t at = local ? 3 : 3 + check_address(fields);
    const std::string method = single(fields[at++], "the authentication method");
    check_method(method, type);
    std::vector<std::string> options;
    for (; at < fields.size(); ++at)
        for (const auto& option : fields[at]) {
            check_option(option, method, type);
            options.push_back(option);
        }
    check_needs(method, options);
}

void check_ident(const std::vector<ConfField>& fields) {
    if (is_in(kIncludes, fields[0][0])) return check_include(fields);
    if (fields.size() != 3) refuse("needs a map, a system user and a database user");
    single(fields[0], "the map");
    check_pattern(single(fields[1], "the system user"));
    check_pattern(single(fields[2], "the database user"));
}

std::optional<std::string> wrong_in(std::string_view line, const char* file,
                                    void (*check)(const std::vector<ConfField>&)) try {
    if (const auto fields = Line(line).fields(); !fields.empty()) check(fields);
    return std::nullopt;
} catch (const Error& error) {
    return fmt::format("invalid {} entry: {}", file, error.text());
}

}  // namespace

std::optional<std::string> wrong_in_hba_entry(std::string_view line) { return wrong_in(line, "pg_hba", check_hba); }
std::optional<std::string> wrong_in_ident_entry(std::string_view line) {
    return wrong_in(line, "pg_ident", check_ident);
}

bool includes_a_file(std::string_view line) try {
    const auto fields = Line(line).fields();
    return !fields.empty() && is_in(kIncludes, fields[0][0]);
} catch (const Error&) {
    return false;  // said by the functions above
}

}  // namespace pgedge
