#pragma once

#include <string>
#include <string_view>

namespace pgedge {

/// A directory of an image, in one text: "registry.example/postgres:15.20:/usr/lib/postgresql/15/bin".
struct ImageDirectory {
    std::string image, directory;
    bool operator==(const ImageDirectory&) const = default;
};
std::string to_string(const ImageDirectory& place);
/// Throws Error{failed} when the text names no image: it is of a host that ran PostgreSQL as processes.
ImageDirectory parse_image_directory(std::string_view text);

/// "registry.example:5000" of "registry.example:5000/postgres:15"; "docker.io" of an image that names none.
std::string registry_of(std::string_view image);

}  // namespace pgedge
