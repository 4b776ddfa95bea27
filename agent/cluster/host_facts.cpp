#include "agent/cluster/host_facts.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <regex>
#include <set>

#include <glob.h>
#include <sched.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/subprocess.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

namespace fs = std::filesystem;

std::optional<std::int64_t> number_in(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

/// What the kernel writes there; nullopt also when this kernel has no such file or does not let us read it.
std::optional<std::string> kernel_file(const fs::path& path) {
    try {
        if (const auto text = read_file_if_there(path, 64 << 10)) return std::string(trimmed(*text));
    } catch (const Error&) {
        // Not a fact that we could do without guessing: the machine's own limits hold then.
    }
    return std::nullopt;
}

/// The directories of the control groups (version 2) that this process is in, innermost first.
std::vector<fs::path> control_groups(const FactSources& sources) {
    std::vector<fs::path> groups;
    const auto text = kernel_file(sources.root / "proc/self/cgroup");
    if (!text) return groups;
    const fs::path top = sources.root / "sys/fs/cgroup";
    for (const auto& line : split(*text, '\n')) {
        if (!line.starts_with("0::/")) continue;
        for (fs::path group = fs::path(line.substr(4)).lexically_normal(); !group.empty(); group = group.parent_path())
            groups.push_back(top / group);
        groups.push_back(top);
    }
    return groups;
}

/// "max 100000" or "150000 100000": time and period in microseconds.
std::optional<int> cpus_of(const fs::path& group) {
    const auto text = kernel_file(group / "cpu.max");
    if (!text) return std::nullopt;
    const auto words = split(*text, ' ');
    if (words.size() != 2) return std::nullopt;
    const auto time = number_in(words[0]), period = number_in(words[1]);
    if (!time || !period || *period <= 0) return std::nullopt;
    return static_cast<int>(std::max<std::int64_t>(1, (*time + *period - 1) / *period));
}

std::string with_places(std::string pattern, const std::string& major, const fs::path& above) {
    for (const auto& [word, value] : {std::pair<std::string, std::string>{"%v", major}, {"%p", above.string()}})
        if (const auto at = pattern.find(word); at != std::string::npos) pattern.replace(at, word.size(), value);
    return pattern;
}

/// Directories that the pattern stands for, in the order of their names.
std::vector<fs::path> directories_of(const std::string& pattern) {
    glob_t found{};
    std::vector<fs::path> directories;
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
        for (std::size_t i = 0; i < found.gl_pathc; ++i) directories.emplace_back(found.gl_pathv[i]);
    ::globfree(&found);
    return directories;
}

/// The extension's default version by its control file.
std::optional<std::string> version_in(const fs::path& control) {
    const auto text = kernel_file(control);
    if (!text) return std::nullopt;
    static const std::regex line(R"(^\s*default_version\s*=\s*'([^'\n]{1,64})')", std::regex::multiline);
    std::smatch found;
    return std::regex_search(*text, found, line) ? std::optional(found[1].str()) : std::nullopt;
}

std::optional<std::string> server_version(const fs::path& bin, const Limit& limit) {
    // Without --version the server would start; with it it prints one line, whoever runs it.
    const auto result = run({.argv = {(bin / "postgres").string(), "--version"},
                             .environment = {},
                             .input = {},
                             .directory = {},
                             .uid = {},
                             .gid = {}},
                            limit);
    static const std::regex form(R"(^postgres \(PostgreSQL\) ([0-9]+\.[0-9]+))");
    std::smatch found;
    return result.exit_code == 0 && std::regex_search(result.output, found, form) ? std::optional(found[1].str())
                                                                                  : std::nullopt;
}

/// What the installation says itself; nullopt when it has no program for it.
std::optional<fs::path> shared_directory(const fs::path& bin, const Limit& limit) {
    std::error_code none;
    if (!fs::exists(bin / "pg_config", none)) return std::nullopt;
    Command ask;
    ask.argv = {(bin / "pg_config").string(), "--sharedir"};
    const auto result = run(ask, limit);
    const fs::path said(trimmed(result.output));
    return result.exit_code == 0 && said.is_absolute() ? std::optional(said) : std::nullopt;
}

/// Those that replicate, and those that go with them.
constexpr std::array<const char*, 8> kExtensions{"spock",  "pglogical", "snowflake", "lolor", "pg_stat_statements",
                                                 "vector", "postgis",   "pgaudit"};

std::map<std::string, std::string> extensions_of(const fs::path& bin, const std::string& major,
                                                 const FactSources& sources, const Limit& limit) {
    std::vector<fs::path> places;
    if (const auto said = shared_directory(bin, limit))
        places.push_back(*said / "extension");
    else
        for (const auto& pattern : sources.extensions)
            places.emplace_back(with_places(pattern, major, bin.parent_path()));
    std::map<std::string, std::string> found;
    for (const char* name : kExtensions)
        for (const auto& place : places)
            if (const auto version = version_in(place / (std::string(name) + ".control")))
                found.emplace(name, *version);
    return found;
}

int number_behind_dot(const std::string& version) { return std::stoi(version.substr(version.find('.') + 1)); }

}  // namespace

int usable_cpus(const FactSources& sources) {
    cpu_set_t set;
    CPU_ZERO(&set);
    // More than 1,024 CPUs do not fit into the set: then all that are online count.
    int cpus = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                             : static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
    for (const auto& group : control_groups(sources))
        if (const auto fewer = cpus_of(group)) cpus = std::min(cpus, *fewer);
    return std::max(cpus, 1);
}

std::int64_t usable_memory(const FactSources& sources) {
    std::int64_t memory = std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
    for (const auto& group : control_groups(sources))
        if (const auto text = kernel_file(group / "memory.max"))
            if (const auto less = number_in(*text)) memory = std::min(memory, *less);
    return memory;
}

std::vector<PostgresInstallation> postgres_installations(const FactSources& sources, const Limit& limit) {
    std::vector<PostgresInstallation> installations;
    std::set<fs::path> seen;  // patterns may overlap, and links lead to the same place
    for (const auto& pattern : sources.bin_dirs)
        for (const auto& bin : directories_of(pattern)) try {
                std::error_code none;
                if (!fs::exists(bin / "postgres", none) || !seen.insert(fs::weakly_canonical(bin, none)).second)
                    continue;
                const auto version = server_version(bin, limit);
                if (!version) continue;
                const std::string major = version->substr(0, version->find('.'));
                installations.push_back({*version, bin.string(), extensions_of(bin, major, sources, limit)});
            } catch (const Error& error) {
                if (error.kind() == ErrorKind::cancelled) throw;
                // A server that cannot even say its version cannot be offered to users.
            }
    std::stable_sort(installations.begin(), installations.end(), [](const auto& a, const auto& b) {
        const auto number = [](const auto& one) {
            return std::pair(std::stoi(one.postgres), number_behind_dot(one.postgres));
        };
        return number(a) > number(b);
    });
    return installations;
}

std::vector<PostgresVersion> usable_versions(const std::vector<PostgresInstallation>& installations) {
    std::vector<PostgresVersion> versions;
    for (const auto& one : installations)
        for (const char* dialect : {"spock", "pglogical"})
            if (const auto extension = one.extensions.find(dialect); extension != one.extensions.end()) {
                versions.push_back({one.postgres, dialect, extension->second, one.bin_dir});
                break;
            }
    return versions;
}

Host with_facts(Host configured, const Limit& limit, const FactSources& sources) {
    configured.cpus = usable_cpus(sources);
    configured.memory_bytes = usable_memory(sources);
    configured.installations = postgres_installations(sources, limit);
    configured.versions = usable_versions(configured.installations);
    return configured;
}

}  // namespace pgedge
