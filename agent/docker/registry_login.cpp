#include "agent/docker/registry_login.hpp"

#include <algorithm>

#include "agent/docker/image.hpp"
#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/json.hpp"

namespace pgedge {
namespace {

/// `docker login` without a name writes this one.
constexpr std::string_view kDockerHub = "https://index.docker.io/v1/";

std::string url_safe(std::string base64) {
    std::replace(base64.begin(), base64.end(), '+', '-');
    std::replace(base64.begin(), base64.end(), '/', '_');
    return base64;
}

}  // namespace

Secret registry_login(const std::filesystem::path& file, std::string_view image) {
    if (file.empty()) return {};
    const auto text = read_file_if_there(file, 1 << 20);
    if (!text) return {};
    const std::string registry = registry_of(image);
    try {
        const Json auths = parse_json(*text).value("auths", Json::object());
        auto found = auths.find(registry);
        if (found == auths.end() && registry == "docker.io") found = auths.find(std::string(kDockerHub));
        if (found == auths.end() || !found->contains("auth")) return {};
        const Secret pair(from_base64(found->at("auth").get<std::string>()));
        const auto colon = pair.reveal().find(':');
        if (colon == std::string::npos) throw Error(ErrorKind::invalid_input, "no colon");
        const Secret login(Json{
            {"username", pair.reveal().substr(0, colon)},
            {"password", pair.reveal().substr(colon + 1)},
            {"serveraddress",
             found.key()}}.dump());
        return Secret(url_safe(to_base64(login.reveal())));
    } catch (const std::exception&) {  // whose text may hold a part of a password
        throw Error(ErrorKind::invalid_input, file.string() + " is not as docker login writes it",
                    "run docker login again, and give its config.json as docker.credentials");
    }
}

}  // namespace pgedge
