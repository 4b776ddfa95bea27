#include "agent/docker/image.hpp"

#include "common/base/error.hpp"

namespace pgedge {

std::string to_string(const ImageDirectory& place) { return place.image + ":" + place.directory; }

ImageDirectory parse_image_directory(std::string_view text) {
    const auto at = text.rfind(":/");
    if (at == std::string_view::npos || at == 0)
        throw Error(ErrorKind::failed, std::string(text) + " is no directory of an image",
                    "the instance was made by PostgreSQL of the host itself: run its agent with orchestrator process");
    return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

std::string registry_of(std::string_view image) {
    const auto first = image.substr(0, image.find('/'));
    const bool is_host =
        first.size() < image.size() && (first.find_first_of(".:") != std::string_view::npos || first == "localhost");
    return is_host ? std::string(first) : "docker.io";
}

}  // namespace pgedge
