#include "common/orchestrate/backup_settings.hpp"

#include <fmt/format.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kObjectStorePath = "/pgbackrest";

/// One repository; its options lack the "repoN-" that they get in the end.
class Repository {
public:
    explicit Repository(const RepositorySpec& spec) : spec_(spec) {}

    BackupSettings settings(const std::string& database_id, const std::string& node) {
        set("type", spec_.type);
        set("path", path(database_id, node));
        set("retention-full", std::to_string(spec_.retention_full.value_or(7)));
        set("retention-full-type", spec_.retention_full_type.value_or("time"));
        set("cipher-type", spec_.cipher_pass.absent() ? "none" : "aes-256-cbc");
        set_secret("cipher-pass", spec_.cipher_pass);
        if (spec_.type == "s3") add_s3();
        if (spec_.type == "gcs") add_gcs();
        if (spec_.type == "azure") add_azure();
        for (const auto& [name, value] : spec_.custom_options) set(name, value);
        return std::move(settings_);
    }

private:
    std::string path(const std::string& database_id, const std::string& node) const {
        std::string base = spec_.base_path.value_or("");
        while (base.ends_with('/')) base.pop_back();
        if (base.empty() && !spec_.base_path) base = kObjectStorePath;
        if (!base.empty() && !base.starts_with('/')) base = "/" + base;
        return fmt::format("{}/databases/{}/{}{}", base, database_id, spec_.id.empty() ? "" : spec_.id + "/", node);
    }

    void set(const std::string& name, const std::string& value) { settings_.options[name] = value; }
    void set_if_given(const std::string& name, const std::optional<std::string>& value) {
        if (value) set(name, *value);
    }
    void set_secret(const std::string& name, const SecretValue& value) {
        if (Json reference = secret_reference(value); !reference.is_null())
            settings_.secrets[name] = std::move(reference);
    }

    void add_s3() {
        set_if_given("s3-bucket", spec_.s3_bucket);
        set_if_given("s3-region", spec_.s3_region);
        if (spec_.s3_endpoint)
            set("s3-endpoint", *spec_.s3_endpoint);
        else if (spec_.s3_region)
            set("s3-endpoint", fmt::format("s3.{}.amazonaws.com", *spec_.s3_region));
        set("s3-key-type", spec_.s3_key.absent() ? "auto" : "shared");
        set_secret("s3-key", spec_.s3_key);
        set_secret("s3-key-secret", spec_.s3_key_secret);
    }
    void add_gcs() {
        set_if_given("gcs-bucket", spec_.gcs_bucket);
        set_if_given("gcs-endpoint", spec_.gcs_endpoint);
        set("gcs-key-type", spec_.gcs_key.absent() ? "auto" : "service");
        set_secret("gcs-key", spec_.gcs_key);
    }
    void add_azure() {
        set_if_given("azure-account", spec_.azure_account);
        set_if_given("azure-container", spec_.azure_container);
        set_if_given("azure-endpoint", spec_.azure_endpoint);
        set("azure-key-type", "shared");
        set_secret("azure-key", spec_.azure_key);
    }

    const RepositorySpec& spec_;
    BackupSettings settings_;
};

}  // namespace

Json secret_reference(const SecretValue& value) {
    if (value.given())
        throw Error(ErrorKind::internal, "a secret reached the planner before it was put into the store");
    if (!value.stored()) return nullptr;
    return {{"secret", value.stored()->name}, {"fingerprint", value.stored()->fingerprint}};
}

BackupSettings backup_settings(const BackupConfigSpec& config, const std::string& database_id,
                               const std::string& node) {
    BackupSettings all;
    for (std::size_t i = 0; i < config.repositories.size(); ++i) {
        const std::string prefix = fmt::format("repo{}-", i + 1);
        const auto one = Repository(config.repositories[i]).settings(database_id, node);
        for (const auto& [name, value] : one.options) all.options[prefix + name] = value;
        for (const auto& [name, reference] : one.secrets.items()) all.secrets[prefix + name] = reference;
    }
    return all;
}

const std::vector<std::string>& archive_settings() {
    static const std::vector<std::string> names{"archive_command", "archive_library", "archive_mode"};
    return names;
}

}  // namespace pgedge
