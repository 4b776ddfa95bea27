#include "agent/docker/manifest.hpp"

#include <algorithm>
#include <regex>
#include <set>

#include <fmt/format.h>

#include "agent/docker/image.hpp"
#include "common/base/error.hpp"
#include "common/base/json_fields.hpp"

namespace pgedge {
namespace {

void check_form(const std::string& text, const std::string& path, const std::regex& form, std::string_view wanted) {
    if (!std::regex_match(text, form))
        throw Error(ErrorKind::invalid_input, fmt::format("{}: '{}' is not {}", path, text, wanted));
}

PostgresInstallation one_of_manifest(const Json& json, const std::string& path) {
    static const std::regex version(R"([1-9][0-9]{1,2}\.[0-9]{1,3})"), image(R"([a-z0-9][a-zA-Z0-9._:/@-]{0,255})"),
        directory(R"((/[a-zA-Z0-9._-]+)+)");
    JsonFields fields(json, path);
    PostgresInstallation one;
    one.postgres = fields.text("postgres");
    check_form(one.postgres, fields.path_of("postgres"), version, "a version such as 15.20");
    const ImageDirectory place{fields.text("image"), fields.text("bin_dir")};
    check_form(place.image, fields.path_of("image"), image, "the name of an image");
    check_form(place.directory, fields.path_of("bin_dir"), directory, "an absolute path");
    one.bin_dir = to_string(place);
    JsonFields extensions(fields.object("extensions"), fields.path_of("extensions"));
    for (const auto& [name, extension] : json.at("extensions").items()) one.extensions[name] = extensions.text(name);
    fields.done();
    return one;
}

auto number_of(const PostgresInstallation& one) {
    return std::pair(std::stoi(one.postgres), std::stoi(one.postgres.substr(one.postgres.find('.') + 1)));
}

}  // namespace

std::vector<PostgresInstallation> parse_manifest(std::string_view text) {
    const Json json = parse_json(text);
    JsonFields fields(json, "manifest");
    std::vector<PostgresInstallation> all;
    std::set<std::string> versions;
    for (const auto& each : fields.list("images")) {
        const std::string path = fmt::format("manifest.images[{}]", all.size());
        all.push_back(one_of_manifest(each, path));
        if (!versions.insert(all.back().postgres).second)
            throw Error(ErrorKind::invalid_input,
                        fmt::format("{}: there is another image of {}", path, all.back().postgres));
    }
    fields.done();
    if (all.empty()) throw Error(ErrorKind::invalid_input, "manifest.images: is empty");
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return number_of(a) > number_of(b); });
    return all;
}

}  // namespace pgedge
