#include "agent/docker/manifest.hpp"

#include <filesystem>
#include <string>

#include <doctest/doctest.h>

#include "agent/docker/image.hpp"
#include "agent/docker/registry_login.hpp"
#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace {

std::string mistake_in_manifest(const std::string& text) {
    try {
        parse_manifest(text);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::invalid_input);
        return error.text();
    }
    return "";
}

std::string one_image(const std::string& image, const std::string& version, const std::string& bin_dir) {
    return R"({"image": ")" + image + R"(", "postgres": ")" + version + R"(", "bin_dir": ")" + bin_dir +
           R"(", "extensions": {"pglogical": "2.4.2"}})";
}

const std::string kBin = "/usr/lib/postgresql/15/bin";

}  // namespace

TEST_CASE("a manifest names versions, greatest first, and the directories in their images") {
    const auto all = parse_manifest(R"({"images": [)" + one_image("pgedge-test:15", "15.9", kBin) + ", " +
                                    one_image("registry.example:5000/pg/postgres:15", "15.20", kBin) + "]}");
    REQUIRE(all.size() == 2);
    CHECK(all[0].postgres == "15.20");
    CHECK(all[0].bin_dir == "registry.example:5000/pg/postgres:15:" + kBin);
    CHECK(all[0].extensions.at("pglogical") == "2.4.2");
    CHECK(parse_image_directory(all[0].bin_dir) == ImageDirectory{"registry.example:5000/pg/postgres:15", kBin});
    CHECK(parse_image_directory(all[1].bin_dir) == ImageDirectory{"pgedge-test:15", kBin});
    CHECK_THROWS_AS(parse_image_directory(kBin), Error);
}

TEST_CASE("mistakes of a manifest are told with their place") {
    const auto with = [](const std::string& images) { return mistake_in_manifest(R"({"images": [)" + images + "]}"); };
    CHECK(with("") == "manifest.images: is empty");
    CHECK(with(one_image("a:1", "15", kBin)) == "manifest.images[0].postgres: '15' is not a version such as 15.20");
    CHECK(with(one_image("a:1", "15.2", "bin")) == "manifest.images[0].bin_dir: 'bin' is not an absolute path");
    CHECK(with(one_image("../etc", "15.2", kBin)) == "manifest.images[0].image: '../etc' is not the name of an image");
    CHECK(with(one_image("a:1", "15.2", kBin) + "," + one_image("b:1", "15.2", kBin)) ==
          "manifest.images[1]: there is another image of 15.2");
    CHECK(mistake_in_manifest(R"({"image": []})").find("manifest") != std::string::npos);
}

TEST_CASE("the registry of an image") {
    CHECK(registry_of("postgres:15") == "docker.io");
    CHECK(registry_of("library/postgres") == "docker.io");
    CHECK(registry_of("registry.example/postgres:15") == "registry.example");
    CHECK(registry_of("localhost/postgres:15") == "localhost");
    CHECK(registry_of("10.77.0.254:5000/pg/postgres@sha256:00") == "10.77.0.254:5000");
}

TEST_CASE("the login for a registry comes from the file of docker login") {
    const auto file = std::filesystem::temp_directory_path() / "pgedge-registry-login-test.json";
    struct Gone {
        std::filesystem::path path;
        ~Gone() { std::filesystem::remove(path); }
    } const gone{file};
    write_file(file, R"({"auths": {"registry.example": {"auth": ")" + to_base64("ann:sec:ret?>") + R"("}}})", 0600);

    auto header = registry_login(file, "registry.example/postgres:15").reveal();
    CHECK(header.find_first_of("+/") == std::string::npos);
    for (auto& c : header) c = c == '-' ? '+' : c == '_' ? '/' : c;
    CHECK(from_base64(header) == R"({"password":"sec:ret?>","serveraddress":"registry.example","username":"ann"})");
    CHECK(registry_login(file, "other.example/postgres:15").empty());
    CHECK(registry_login(file.string() + ".none", "registry.example/postgres:15").empty());

    write_file(file, R"({"auths": {"registry.example": {"auth": "c2VjcmV0"}}})", 0600);
    CHECK_THROWS_WITH_AS(registry_login(file, "registry.example/postgres:15"),
                         (file.string() + " is not as docker login writes it").c_str(), Error);
}

}  // namespace pgedge
