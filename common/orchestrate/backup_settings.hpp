#pragma once

#include <string>
#include <vector>

#include "common/base/json.hpp"
#include "common/spec/database_spec.hpp"

namespace pgedge {

/// The repositories of a node in the words of pgBackRest: option and value, by name. Secrets stand apart, as
/// references.
struct BackupSettings {
    Settings options;               ///< "repo1-path": "/backups/databases/storefront/n1"
    Json secrets = Json::object();  ///< "repo1-s3-key": {"secret": name, "fingerprint": …}
};

/// Repository i of the list is repo(i+1). Each node has a path of its own in it:
/// <base_path>/databases/<database id>/[<repository id>/]<node>, as the pgEdge Control Plane has. `config` is sealed:
/// throws Error{internal} for a secret that is not in the store yet. Pure.
BackupSettings backup_settings(const BackupConfigSpec& config, const std::string& database_id, const std::string& node);

/// A secret of a sealed spec as plans hold it: {"secret": name, "fingerprint": …}, null when there is none. Throws
/// Error{internal} for one that is not in the store yet.
Json secret_reference(const SecretValue& value);

/// What is set by backup_config, so that postgresql_conf must not.
const std::vector<std::string>& archive_settings();

}  // namespace pgedge
