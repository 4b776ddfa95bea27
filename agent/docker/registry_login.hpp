#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/secret.hpp"

namespace pgedge {

/// What Docker is to show a registry (header X-Registry-Auth), from the file that `docker login` writes; an empty one
/// when there is no file or it has nothing for this image's registry. Programs that keep passwords ("credsStore") are
/// not asked. Throws Error{invalid_input} for a file that cannot be understood; never says what is in it.
Secret registry_login(const std::filesystem::path& file, std::string_view image);

}  // namespace pgedge
