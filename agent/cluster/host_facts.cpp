#include "agent/cluster/host_facts.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <regex>

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

std::string with_major(std::string pattern, const std::string& major) {
    const auto at = pattern.find("%v");
    return at == std::string::npos ? pattern : pattern.replace(at, 2, major);
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

std::optional<PostgresVersion> version_at(const fs::path& bin, const std::string& major, const FactSources& sources,
                                          const Limit& limit) {
    for (const char* dialect : {"spock", "pglogical"})
        for (const auto& pattern : sources.extensions) {
            const auto extension =
                version_in(fs::path(with_major(pattern, major)) / (std::string(dialect) + ".control"));
            if (!extension) continue;
            const auto postgres = server_version(bin, limit);
            if (!postgres) return std::nullopt;
            return PostgresVersion{*postgres, dialect, *extension, bin.string()};
        }
    return std::nullopt;
}

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

std::vector<PostgresVersion> installed_versions(const FactSources& sources, const Limit& limit) {
    std::vector<PostgresVersion> versions;
    for (const auto& place : sources.postgres) {
        std::error_code none;
        for (const auto& entry : fs::directory_iterator(place, none)) {
            const fs::path bin = entry.path() / "bin";
            if (!fs::exists(bin / "postgres", none)) continue;
            try {
                if (auto version = version_at(bin, entry.path().filename().string(), sources, limit))
                    versions.push_back(std::move(*version));
            } catch (const Error& error) {
                if (error.kind() == ErrorKind::cancelled) throw;
                // A server that cannot even say its version cannot be offered to users.
            }
        }
    }
    const auto number = [](const PostgresVersion& version) {
        return std::pair(version.major(), std::stoi(version.postgres.substr(version.postgres.find('.') + 1)));
    };
    std::sort(versions.begin(), versions.end(), [&](const auto& a, const auto& b) { return number(a) > number(b); });
    return versions;
}

Host with_facts(Host configured, const Limit& limit, const FactSources& sources) {
    configured.cpus = usable_cpus(sources);
    configured.memory_bytes = usable_memory(sources);
    configured.versions = installed_versions(sources, limit);
    return configured;
}

}  // namespace pgedge
