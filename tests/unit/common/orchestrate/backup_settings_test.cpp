#include "common/orchestrate/backup_settings.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

TEST_CASE("each repository gets a number, its own path, and secrets as references") {
    BackupConfigSpec config;
    config.repositories.resize(4);
    auto& posix = config.repositories[0];
    posix.type = "posix";
    posix.base_path = "/backups/";
    posix.custom_options = {{"bundle", "y"}, {"retention-full", "3"}};
    auto& s3 = config.repositories[1];
    s3.type = "s3";
    s3.id = "main";
    s3.s3_bucket = "shop";
    s3.s3_region = "eu-1";
    s3.s3_key = SecretRef{"name-of-key", "0123"};
    s3.cipher_pass = SecretRef{"name-of-pass", "4567"};
    s3.retention_full = 14;
    s3.retention_full_type = "count";
    config.repositories[2].type = "gcs";
    config.repositories[2].gcs_bucket = "shop";
    auto& azure = config.repositories[3];
    azure.type = "azure";
    azure.azure_account = "shop";
    azure.azure_container = "backups";
    azure.azure_key = SecretRef{"name-of-azure", "89"};

    const auto settings = backup_settings(config, "storefront", "n1");
    const auto& options = settings.options;
    CHECK(options.at("repo1-type") == "posix");
    CHECK(options.at("repo1-path") == "/backups/databases/storefront/n1");
    CHECK(options.at("repo1-cipher-type") == "none");
    CHECK(options.at("repo1-bundle") == "y");
    CHECK(options.at("repo1-retention-full") == "3");
    CHECK(options.at("repo1-retention-full-type") == "time");
    CHECK(options.at("repo2-path") == "/pgbackrest/databases/storefront/main/n1");
    CHECK(options.at("repo2-s3-endpoint") == "s3.eu-1.amazonaws.com");
    CHECK(options.at("repo2-s3-key-type") == "shared");
    CHECK(options.at("repo2-cipher-type") == "aes-256-cbc");
    CHECK(options.at("repo2-retention-full") == "14");
    CHECK(options.at("repo2-retention-full-type") == "count");
    CHECK(options.at("repo3-gcs-key-type") == "auto");
    CHECK(options.at("repo4-azure-key-type") == "shared");
    for (const auto& [name, value] : options) CHECK_FALSE(name.ends_with("key"));
    CHECK(settings.secrets == Json{{"repo2-s3-key", {{"secret", "name-of-key"}, {"fingerprint", "0123"}}},
                                   {"repo2-cipher-pass", {{"secret", "name-of-pass"}, {"fingerprint", "4567"}}},
                                   {"repo4-azure-key", {{"secret", "name-of-azure"}, {"fingerprint", "89"}}}});

    s3.s3_key = Secret("in clear");
    CHECK_THROWS_AS(backup_settings(config, "storefront", "n1"), Error);
}
