#include <doctest/doctest.h>

#include "common/spec/load.hpp"

using namespace pgedge;

namespace {

Loaded load(std::string_view text, LoadOptions options = {}, const std::string& file = "storefront.yaml") {
    return load_text(text, file, "/specs", options);
}

std::string lines(const std::vector<Problem>& problems) {
    std::string text;
    for (const auto& problem : problems) text += to_line(problem) + "\n";
    return text;
}

constexpr const char* kStorefront = R"(# yaml-language-server: $schema=pgedge-v1.schema.json
apiVersion: pgedge/v1
kind: Database
id: storefront
labels: {team: shop}
spec:
  database_name: storefront
  postgres_version: "17.10"
  port: 5432
  database_users:
    - {username: admin, password: "env:STOREFRONT_ADMIN", db_owner: true, attributes: [LOGIN, superuser]}
  backup_config:
    repositories: [{type: s3, s3_bucket: backups, s3_region: us-east-1, s3_key: "env:S3_KEY", s3_key_secret: "file:s3.key"}]
    schedules: [{id: nightly, type: full, cron_expression: "0 0 * * *"}]
  nodes:
    - {name: n1, host_ids: [host-1]}
    - {name: n2, host_ids: [host-2, host-3]}
)";

}  // namespace

TEST_CASE("the example of the manual is read whole") {
    const Loaded loaded = load(kStorefront);

    CHECK(lines(loaded.problems) == "");
    CHECK(lines(loaded.warnings) == "");
    REQUIRE(loaded.databases.size() == 1);
    const auto& database = loaded.databases[0];
    CHECK(database.document.id == "storefront");
    CHECK(database.labels == std::map<std::string, std::string>{{"team", "shop"}});
    CHECK(database.base_dir == "/specs");
    const auto& spec = database.document.spec;
    CHECK(spec.database_name == "storefront");
    CHECK(spec.postgres_version == "17.10");
    CHECK(spec.port == 5432);
    REQUIRE(spec.database_users.size() == 1);
    CHECK(spec.database_users[0].db_owner);
    CHECK(spec.database_users[0].attributes == std::vector<std::string>{"LOGIN", "SUPERUSER"});
    REQUIRE(spec.database_users[0].password.given());
    CHECK(spec.database_users[0].password.given()->reveal() == "env:STOREFRONT_ADMIN");
    REQUIRE(spec.backup_config.has_value());
    CHECK(spec.backup_config->repositories[0].s3_bucket == "backups");
    CHECK(spec.backup_config->schedules[0].cron_expression == "0 0 * * *");
    REQUIRE(spec.nodes.size() == 2);
    CHECK(spec.nodes[1].host_ids == std::vector<std::string>{"host-2", "host-3"});
}

TEST_CASE("all problems of a file come at once, each with its place") {
    const Loaded loaded = load(R"(apiVersion: pgedge/v1
kind: Database
id: Storefront
spec:
  database_name: storefront
  prot: 5432
  port: 70000
  nodes:
    - name: n1
      host_ids: [host-1, host-1]
    - nam: n2
      host_ids: []
)");

    CHECK(lines(loaded.problems) ==
          "storefront.yaml:3:5: id: must be 1 to 36 lower-case letters, digits and single hyphens, with a letter or "
          "digit at "
          "both ends\n"
          "storefront.yaml:6:3: spec.prot: there is no field \"prot\" here (did you mean \"port\"?)\n"
          "storefront.yaml:7:9: spec.port: must be between 0 and 65535\n"
          "storefront.yaml:10:26: spec.nodes[0].host_ids[1]: host IDs must be unique within a node: \"host-1\"\n"
          "storefront.yaml:11:7: spec.nodes[1].nam: there is no field \"nam\" here (did you mean \"name\"?)\n"
          "storefront.yaml:11:7: spec.nodes[1].name: is required\n"
          "storefront.yaml:12:17: spec.nodes[1].host_ids: must have at least 1 item\n");
}
