#include "cli/ssh/known_hosts.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kMaxFile = 16 << 20;

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
    return out;
}

/// '*' stands for any characters and '?' for one. Bounded: each star is tried from left to right once.
bool matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, retry = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            retry = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

std::string hmac_sha1(const std::string& key, const std::string& data) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    ::HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(data.data()),
           data.size(), out, &size);
    return {reinterpret_cast<const char*>(out), size};
}

/// "|1|salt|hash"
bool is_hash_of(const std::string& hashed, const std::string& name) {
    const auto parts = split(hashed, '|');
    if (parts.size() != 4 || parts[1] != "1") return false;
    return hmac_sha1(from_base64(parts[2]), name) == from_base64(parts[3]);
}

bool names_match(const std::string& names, const std::string& name) {
    bool found = false;
    for (const auto& one : split(names, ',')) {
        if (one.starts_with("|"))
            found = found || is_hash_of(one, name);
        else if (one.starts_with("!") && matches(lower(one.substr(1)), name))
            return false;
        else
            found = found || matches(lower(one), name);
    }
    return found;
}

std::optional<KnownHost> entry_of(const std::string& line, const std::string& name) {
    std::vector<std::string> words;
    std::string blanks = line;
    std::replace(blanks.begin(), blanks.end(), '\t', ' ');
    for (const auto& word : split(blanks, ' '))
        if (!word.empty()) words.push_back(word);
    if (words.empty() || words[0].starts_with("#")) return std::nullopt;
    KnownHost entry;
    if (words[0].starts_with("@")) {
        entry.marker = words[0];
        words.erase(words.begin());
    }
    if (words.size() < 3 || !names_match(words[0], name)) return std::nullopt;
    entry.key = {words[1], from_base64(words[2])};
    return entry;
}

}  // namespace

std::string fingerprint(const HostKey& key) {
    std::string text = to_base64(sha256(key.blob));
    while (text.ends_with('=')) text.pop_back();
    return "SHA256:" + text;
}

std::vector<KnownHost> known_hosts(const std::vector<std::filesystem::path>& files, const std::string& host, int port) {
    const std::string name = lower(known_hosts_name(host, port));
    std::vector<KnownHost> found;
    for (const auto& file : files) {
        const auto text = read_file_if_there(file, kMaxFile);
        int number = 0;
        for (const auto& line : split(text.value_or(""), '\n')) {
            ++number;
            try {
                if (auto entry = entry_of(std::string(trimmed(line)), name)) {
                    entry->file = file;
                    entry->line = number;
                    found.push_back(std::move(*entry));
                }
            } catch (const Error&) {
                // Not base64: ssh passes over such a line as well.
            }
        }
    }
    return found;
}

std::string known_hosts_name(const std::string& host, int port) {
    return port == 22 ? host : "[" + host + "]:" + std::to_string(port);
}

std::string known_hosts_line(const std::string& host, int port, const HostKey& key) {
    return known_hosts_name(host, port) + " " + key.type + " " + to_base64(key.blob);
}

void add_known_host(const std::filesystem::path& file, const std::string& line) {
    if (!std::filesystem::exists(file.parent_path())) make_directory(file.parent_path(), 0700);
    std::string text = read_file_if_there(file, kMaxFile).value_or("");
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    write_file(file, text + line + "\n", 0600);
}

}  // namespace pgedge
