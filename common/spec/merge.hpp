#pragma once

#include "common/spec/database_spec.hpp"

namespace pgedge {

/// Values that an update may leave out keep what is stored: postgres_version, spock_version, a node's postgres_version,
/// passwords (by username), secrets of repositories and restores (by type, id, bucket or container, endpoint, region
/// and base path; first those of the same place, then any of the database). Everything else is replaced by what was
/// given.
void merge_omitted(DatabaseSpec& wanted, const DatabaseSpec& stored);

}  // namespace pgedge
