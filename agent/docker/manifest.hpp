#pragma once

#include <string_view>
#include <vector>

#include "common/model/host.hpp"

namespace pgedge {

/// The PostgreSQL versions that a host offers in images, from a file:
///
///     {"images": [{"image": "registry.example/postgres:15.20", "postgres": "15.20",
///                  "bin_dir": "/usr/lib/postgresql/15/bin", "extensions": {"pglogical": "2.4.2"}}]}
///
/// Greatest version first; their bin_dir names the image too (see ImageDirectory). Throws Error{invalid_input} with the
/// place of what is wrong.
std::vector<PostgresInstallation> parse_manifest(std::string_view text);

}  // namespace pgedge
