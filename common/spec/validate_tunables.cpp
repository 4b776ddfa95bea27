#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/spec/entries.hpp"
#include "common/spec/rules.hpp"
#include "common/spec/server_settings.hpp"

namespace pgedge {
namespace {

bool is_setting_name(const std::string& name) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !name.empty() && name.size() <= 128 && is_letter(name.front()) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '$'; });
}

/// The libraries of "a, \"b\", '$libdir/c'" without quotes and directory.
std::vector<std::string> libraries_of(const std::string& value) {
    std::vector<std::string> names;
    for (const auto& part : split(value, ',')) {
        std::string name(trimmed(part));
        std::erase_if(name, [](char c) { return c == '"' || c == '\''; });
        names.push_back(name.substr(name.rfind('/') + 1));
    }
    return names;
}

void check_settings(const Settings& settings, const std::string& path, Findings& findings) {
    for (const auto& [name, value] : settings) {
        const std::string item = fmt::format("{}.{}", path, name);
        std::string lower = name;
        std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
        if (!is_setting_name(name)) {
            findings.add(item, fmt::format("\"{}\" is no name of a setting", shortened(name, 60)));
        } else if (const auto why = why_not_settable(name, value)) {
            findings.add(item, fmt::format("{} cannot be set", lower), *why);
        } else if (auto wrong = wrong_in_setting(name, value)) {
            findings.add(item, std::move(*wrong));
        } else if (lower == "shared_preload_libraries") {
            const auto libraries = libraries_of(value);
            const auto has = [&](const char* library) {
                return std::find(libraries.begin(), libraries.end(), library) != libraries.end();
            };
            if (!has("spock") && !has("pglogical"))
                findings.add(item, "must contain spock (or pglogical, where that is the replication extension)");
        }
    }
}

void check_option_names(const Settings& options, const std::string& path, Findings& findings) {
    const auto is_name_part = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    for (const auto& [name, value] : options)
        if (name.empty() || !std::all_of(name.begin(), name.end(), is_name_part))
            findings.add(fmt::format("{}.{}", path, name),
                         fmt::format("invalid option name \"{}\"", shortened(name, 60)),
                         "lower-case letters, digits and hyphens");
}

/// What is secret has a field of its own: options are shown.
void check_custom_options(const Settings& options, const std::string& path, Findings& findings) {
    static const std::map<std::string_view, std::string_view> kSecrets{
        {"cipher-pass", "cipher_pass"},     {"s3-key", "s3_key"},
        {"s3-key-secret", "s3_key_secret"}, {"gcs-key", "gcs_key"},
        {"azure-key", "azure_key"},         {"s3-token", ""},
        {"s3-sse-customer-key", ""},        {"sftp-private-key-passphrase", ""},
    };
    for (const auto& option : options) {
        if (const auto secret = kSecrets.find(option.first); secret != kSecrets.end())
            findings.add(fmt::format("{}.{}", path, option.first),
                         fmt::format("{} is a secret, and custom_options are shown to everybody", option.first),
                         secret->second.empty() ? "" : fmt::format("use the field {}", secret->second));
    }
}

void check_repository(const RepositorySpec& repository, const std::string& path, const ValidationContext& context,
                      Findings& findings) {
    const auto require = [&](bool given, std::string_view field) {
        if (!given)
            findings.add(fmt::format("{}.{}", path, field),
                         fmt::format("{} is required for {} repositories", field, repository.type));
    };
    const auto has = [](const std::optional<std::string>& text) { return text && !text->empty(); };
    if (repository.type == "s3") require(has(repository.s3_bucket), "s3_bucket");
    if (repository.type == "gcs") require(has(repository.gcs_bucket), "gcs_bucket");
    if (repository.type == "azure") {
        require(has(repository.azure_account), "azure_account");
        require(has(repository.azure_container), "azure_container");
        // An update may leave it out: only after the stored one was merged in can it be missing.
        const bool may_be_stored = context.change == ValidationContext::Change::unknown;
        require(may_be_stored || !repository.azure_key.absent(), "azure_key");
    }
    if (repository.type == "posix" || repository.type == "cifs") {
        require(has(repository.base_path), "base_path");
        if (has(repository.base_path) && !repository.base_path->starts_with('/'))
            findings.add(path + ".base_path",
                         fmt::format("base_path must be absolute for {} repositories", repository.type));
    }
    check_option_names(repository.custom_options, path + ".custom_options", findings);
    check_custom_options(repository.custom_options, path + ".custom_options", findings);
}

void check_backups(const BackupConfigSpec& config, const std::string& path, const ValidationContext& context,
                   Findings& findings) {
    for (std::size_t i = 0; i < config.repositories.size(); ++i)
        check_repository(config.repositories[i], fmt::format("{}.repositories[{}]", path, i), context, findings);
    for (std::size_t i = 0; i < config.schedules.size(); ++i) {
        const auto& schedule = config.schedules[i];
        const std::string item = fmt::format("{}.schedules[{}]", path, i);
        if (const auto wrong = wrong_in_cron_expression(schedule.cron_expression))
            findings.add(item + ".cron_expression", *wrong);
        const bool is_double =
            std::any_of(config.schedules.begin(), config.schedules.begin() + static_cast<std::ptrdiff_t>(i),
                        [&](const auto& other) { return other.id == schedule.id; });
        if (is_double)
            findings.add(item + ".id", fmt::format("schedule IDs must be unique: \"{}\"", shortened(schedule.id, 64)));
    }
}

}  // namespace

void check_limits(const std::optional<std::string>& cpus, const std::optional<std::string>& memory,
                  const std::string& path, Findings& findings) {
    const auto check = [&](const std::optional<std::string>& text, const char* field, auto parse) {
        if (!text) return;
        try {
            parse(*text);
        } catch (const Error& error) {
            findings.add(fmt::format("{}.{}", path, field), error.text(), error.hint());
        }
    };
    check(cpus, "cpus", [](const std::string& text) { parse_millicpus(text); });
    check(memory, "memory", [](const std::string& text) {
        if (parse_bytes(text) < 1) throw Error(ErrorKind::invalid_input, "must be more than nothing");
    });
}

void check_labels(const std::optional<SwarmOptsSpec>& options, const std::string& path, Findings& findings) {
    if (!options) return;
    for (const auto& [name, value] : options->extra_labels)
        if (name.starts_with("pgedge."))
            findings.add(fmt::format("{}.orchestrator_opts.swarm.extra_labels.{}", path, name),
                         "labels starting with \"pgedge.\" are reserved for system use");
}

void check_tunables(const TunableSpec& spec, const std::string& path, const ValidationContext& context,
                    Findings& findings) {
    check_limits(spec.cpus, spec.memory, path, findings);
    check_settings(spec.postgresql_conf, path + ".postgresql_conf", findings);
    for (std::size_t i = 0; i < spec.pg_hba_conf.size(); ++i)
        if (auto wrong = wrong_in_hba_entry(spec.pg_hba_conf[i]))
            findings.add(fmt::format("{}.pg_hba_conf[{}]", path, i), *wrong);
    for (std::size_t i = 0; i < spec.pg_ident_conf.size(); ++i)
        if (auto wrong = wrong_in_ident_entry(spec.pg_ident_conf[i]))
            findings.add(fmt::format("{}.pg_ident_conf[{}]", path, i), *wrong);
    if (spec.backup_config) check_backups(*spec.backup_config, path + ".backup_config", context, findings);
    if (spec.restore_config) {
        check_repository(spec.restore_config->repository, path + ".restore_config.repository", context, findings);
        check_option_names(spec.restore_config->restore_options, path + ".restore_config.restore_options", findings);
    }
    check_labels(spec.orchestrator_opts, path, findings);
}

}  // namespace pgedge
