#include "common/base/digest.hpp"
#include "common/spec/fields.hpp"
#include "common/spec/places.hpp"

namespace pgedge {
namespace {

/// What tells one repository from another when an update leaves its secrets out.
std::string repository_key(const RepositorySpec& r) {
    const auto first = [](std::initializer_list<const std::optional<std::string>*> texts) {
        for (const auto* text : texts)
            if (*text) return **text;
        return std::string();
    };
    const Json parts = {r.type,
                        r.id,
                        first({&r.s3_bucket, &r.gcs_bucket, &r.azure_container}),
                        r.azure_account.value_or(""),
                        first({&r.s3_endpoint, &r.gcs_endpoint, &r.azure_endpoint}),
                        r.s3_region.value_or(""),
                        r.base_path.value_or("")};
    return to_hex(sha256(to_text(parts))).substr(0, 16);
}

std::vector<Field> storage_fields() {
    using R = RepositorySpec;
    return {
        {.name = "id",
         .place = at<R, &R::id>,
         .length = {1, 36},
         .pattern = &kIdentifier,
         .standard = "none",
         .doc = "Identifier of the repository.",
         .example = R"("main")"},
        {.name = "type",
         .place = at<R, &R::type>,
         .required = true,
         .words = {"s3", "gcs", "azure", "posix", "cifs"},
         .doc = "Where the repository is.",
         .example = R"("s3")"},
        {.name = "base_path",
         .place = at<R, &R::base_path>,
         .length = {{}, 256},
         .standard = "/pgbackrest for object stores",
         .doc = "Directory of the repository, in the bucket or on the host. Required and absolute for posix and cifs.",
         .example = R"("/backups")"},
        {.name = "custom_options",
         .kind = Kind::settings,
         .place = at<R, &R::custom_options>,
         .doc = "Further options of pgBackRest for this repository, by their names without the repoN- part.",
         .example = R"({"s3-kms-key-id": "1234abcd"})"},
        {.name = "s3_bucket",
         .place = at<R, &R::s3_bucket>,
         .length = {3, 63},
         .doc = "Bucket. Required for s3.",
         .example = R"("backups")"},
        {.name = "s3_region",
         .place = at<R, &R::s3_region>,
         .length = {1, 32},
         .doc = "Region of the bucket.",
         .example = R"("us-east-1")"},
        {.name = "s3_endpoint",
         .place = at<R, &R::s3_endpoint>,
         .length = {3, 128},
         .doc = "Host name of the S3 service, when it is not Amazon's.",
         .example = R"("s3.example.com")"},
        {.name = "s3_key",
         .kind = Kind::secret,
         .place = at<R, &R::s3_key>,
         .length = {{}, 128},
         .standard = "the role of the machine",
         .doc = "Access key.",
         .example = R"("env:S3_KEY")",
         .notes = {note::kKept}},
        {.name = "s3_key_secret",
         .kind = Kind::secret,
         .place = at<R, &R::s3_key_secret>,
         .length = {{}, 128},
         .standard = "the role of the machine",
         .doc = "Secret access key.",
         .example = R"("env:S3_KEY_SECRET")",
         .notes = {note::kKept}},
        {.name = "gcs_bucket",
         .place = at<R, &R::gcs_bucket>,
         .length = {3, 63},
         .doc = "Bucket. Required for gcs.",
         .example = R"("backups")"},
        {.name = "gcs_endpoint",
         .place = at<R, &R::gcs_endpoint>,
         .length = {3, 128},
         .doc = "Host name of the storage service, when it is not Google's.",
         .example = R"("storage.example.com")"},
        {.name = "gcs_key",
         .kind = Kind::secret,
         .place = at<R, &R::gcs_key>,
         .length = {{}, 1024},
         .standard = "the service account of the machine",
         .doc = "Key of a service account: its JSON, in base64.",
         .example = R"("file:gcs.key")",
         .notes = {note::kKept}},
        {.name = "azure_account",
         .place = at<R, &R::azure_account>,
         .length = {3, 24},
         .doc = "Storage account. Required for azure.",
         .example = R"("shopbackups")"},
        {.name = "azure_container",
         .place = at<R, &R::azure_container>,
         .length = {3, 63},
         .doc = "Container. Required for azure.",
         .example = R"("backups")"},
        {.name = "azure_endpoint",
         .place = at<R, &R::azure_endpoint>,
         .length = {3, 128},
         .standard = "blob.core.windows.net",
         .doc = "Host name of the storage service.",
         .example = R"("blob.core.windows.net")"},
        {.name = "azure_key",
         .kind = Kind::secret,
         .place = at<R, &R::azure_key>,
         .length = {{}, 128},
         .doc = "Key of the storage account. Required for azure.",
         .example = R"("env:AZURE_KEY")",
         .notes = {note::kKept}},
        {.name = "cipher_pass",
         .kind = Kind::secret,
         .place = at<R, &R::cipher_pass>,
         .length = {1, 512},
         .standard = "not encrypted",
         .doc = "Passphrase that everything in the repository is encrypted with. It cannot be changed or given later.",
         .example = R"("env:BACKUP_PASSPHRASE")",
         .notes = {note::kKept}}};
}

const Type& repository_type() {
    static const Type type = [] {
        Type repository{
            "Repository", "A place where backups are kept.", storage_fields(), [](const void* repository_spec) {
                return "repositories/" + repository_key(*static_cast<const RepositorySpec*>(repository_spec));
            }};
        repository.fields.push_back(
            {.name = "retention_full",
             .kind = Kind::integer,
             .place = at<RepositorySpec, &RepositorySpec::retention_full>,
             .range = {1, 9999999},
             .standard = "7",
             .doc = "How long full backups are kept: days, or a count; see retention_full_type.",
             .example = "14"});
        repository.fields.push_back({.name = "retention_full_type",
                                     .place = at<RepositorySpec, &RepositorySpec::retention_full_type>,
                                     .words = {"time", "count"},
                                     .standard = "time",
                                     .doc = "Whether retention_full is a time in days or a count of full backups.",
                                     .example = R"("count")"});
        return repository;
    }();
    return type;
}

const Type& restore_repository_type() {
    static const Type type{"RestoreRepository", "A place where backups are read from.", storage_fields(),
                           [](const void* repository) {
                               return "restore/" + repository_key(*static_cast<const RepositorySpec*>(repository));
                           }};
    return type;
}

const Type& schedule_type() {
    static const Type type{"Schedule",
                           "A backup that is made again and again.",
                           {{.name = "id",
                             .place = at<ScheduleSpec, &ScheduleSpec::id>,
                             .required = true,
                             .length = {{}, 64},
                             .doc = "Name of the schedule.",
                             .example = R"("nightly")"},
                            {.name = "type",
                             .place = at<ScheduleSpec, &ScheduleSpec::type>,
                             .required = true,
                             .words = {"full", "incr"},
                             .doc = "A full backup, or what changed since the last one.",
                             .example = R"("full")"},
                            {.name = "cron_expression",
                             .place = at<ScheduleSpec, &ScheduleSpec::cron_expression>,
                             .required = true,
                             .length = {{}, 32},
                             .doc = "When, in UTC: minute, hour, day of the month, month, day of the week.",
                             .example = R"("0 0 * * *")"}}};
    return type;
}

}  // namespace

const Type& backup_config_type() {
    static const Type type{"BackupConfig",
                           "Where and when backups are made.",
                           {{.name = "repositories",
                             .kind = Kind::objects,
                             .place = many<BackupConfigSpec, &BackupConfigSpec::repositories>,
                             .required = true,
                             .count = {1, {}},
                             .type = &repository_type(),
                             .doc = "Places where backups are kept; each backup goes to all of them.",
                             .example = R"([{"type": "posix", "base_path": "/backups"}])"},
                            {.name = "schedules",
                             .kind = Kind::objects,
                             .place = many<BackupConfigSpec, &BackupConfigSpec::schedules>,
                             .count = {{}, 32},
                             .type = &schedule_type(),
                             .standard = "none: backups are made by hand",
                             .doc = "When backups are made.",
                             .example = R"([{"id": "nightly", "type": "full", "cron_expression": "0 0 * * *"}])"}}};
    return type;
}

const Type& restore_config_type() {
    using R = RestoreConfigSpec;
    static const Type type{"RestoreConfig",
                           "The backup that new instances are filled from.",
                           {{.name = "source_database_id",
                             .place = at<R, &R::source_database_id>,
                             .required = true,
                             .length = {1, 36},
                             .pattern = &kIdentifier,
                             .doc = "Identifier of the database that was backed up.",
                             .example = R"("storefront")"},
                            {.name = "source_node_name",
                             .place = at<R, &R::source_node_name>,
                             .required = true,
                             .pattern = &kNodeName,
                             .doc = "Node that was backed up.",
                             .example = R"("n1")"},
                            {.name = "source_database_name",
                             .place = at<R, &R::source_database_name>,
                             .required = true,
                             .length = {1, 31},
                             .doc = "Name that the database had inside PostgreSQL.",
                             .example = R"("storefront")"},
                            {.name = "repository",
                             .kind = Kind::object,
                             .place = one<R, &R::repository>,
                             .required = true,
                             .type = &restore_repository_type(),
                             .doc = "Where the backup is."},
                            {.name = "restore_options",
                             .kind = Kind::settings,
                             .place = at<R, &R::restore_options>,
                             .count = {{}, 32},
                             .doc = "Options of pgbackrest restore: set, type, target, target-timeline and so on.",
                             .example = R"({"type": "time", "target": "2026-05-05 09:38:52-04"})"}}};
    return type;
}

}  // namespace pgedge
