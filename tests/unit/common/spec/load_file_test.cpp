#include <filesystem>
#include <regex>

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/spec/load.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;

namespace {

Loaded load(std::string_view text, LoadOptions options = {}, const std::string& file = "storefront.yaml") {
    return load_text(text, file, "/specs", options);
}

std::string ended_lines(const std::vector<Problem>& problems) {
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

    CHECK(ended_lines(loaded.problems) == "");
    CHECK(ended_lines(loaded.warnings) == "");
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

    CHECK(ended_lines(loaded.problems) ==
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

namespace {

const std::string kSmallSpec = R"(
spec:
  database_name: storefront
  nodes: [{name: n1, host_ids: [host-1]}]
)";

std::string problems_of(const std::string& text, const std::string& file = "f.yaml") {
    return ended_lines(load(text, {}, file).problems);
}

/// What a test of one line in `spec:` is told, without the rest of the document.
std::string with_line(const std::string& line) {
    return problems_of("spec:\n  database_name: d\n  nodes: [{name: n1, host_ids: [h]}]\n  " + line + "\n");
}

}  // namespace

TEST_CASE("scalars of a file become what the field wants") {
    const Loaded loaded = load(R"(
spec:
  database_name: 0777
  postgres_version: 17.10
  spock_version: 5
  cpus: 2
  memory: 1073741824
  port: 0x1538
  nodes: [{name: n1, host_ids: [1, no]}]
  database_users: [{username: 22:22, db_owner: True, attributes: [login]}]
  postgresql_conf: {jit: off, work_mem: 64MB, max_connections: 100, random_page_cost: 1.10, quoted: "yes"}
  pg_hba_conf: ["host all all 10.0.0.0/8 md5"]
)");
    CHECK(ended_lines(loaded.problems) == "");
    REQUIRE(loaded.databases.size() == 1);
    const auto& spec = loaded.databases[0].document.spec;
    CHECK(spec.database_name == "0777");
    CHECK(spec.postgres_version == "17.10");
    CHECK(spec.spock_version == "5");
    CHECK(spec.cpus == "2");
    CHECK(spec.memory == "1073741824");
    CHECK(spec.port == 5432);
    CHECK(spec.nodes[0].host_ids == std::vector<std::string>{"1", "no"});
    CHECK(spec.database_users[0].username == "22:22");
    CHECK(spec.database_users[0].db_owner);
    CHECK(spec.postgresql_conf == Settings{{"jit", "off"},
                                           {"work_mem", "64MB"},
                                           {"max_connections", "100"},
                                           {"random_page_cost", "1.10"},
                                           {"quoted", "yes"}});
}

TEST_CASE("scalars that are not what the field wants are refused with a way out") {
    CHECK(with_line("port: \"5432\"") ==
          "f.yaml:4:9: spec.port: must be a whole number, not a text (write it without quotes)\n");
    CHECK(with_line("port: 54.5") == "f.yaml:4:9: spec.port: must be a whole number, not a number\n");
    CHECK(with_line("port: 22:22") == "f.yaml:4:9: spec.port: must be a whole number, not a text\n");
    CHECK(with_line("port: [1]") == "f.yaml:4:9: spec.port: must be a whole number, not a list\n");
    CHECK(with_line("database_users: [{username: a, db_owner: yes}]") ==
          "f.yaml:4:44: spec.database_users[0].db_owner: must be a boolean, not a text (write true or false)\n");
    CHECK(with_line("pg_hba_conf: local all all peer") ==
          "f.yaml:4:16: spec.pg_hba_conf: must be a list, not a text (write [local all all peer])\n");
    CHECK(with_line("memory: {a: 1}") == "f.yaml:4:11: spec.memory: must be a text, not an object\n");
    CHECK(with_line("postgresql_conf: {a: }") ==
          "f.yaml:4:21: spec.postgresql_conf.a: must be a text, a number or a boolean, not nothing\n");
    CHECK(with_line("port:") == "");
}

TEST_CASE("rules are told with the place of the value they speak of, or of what stands around it") {
    CHECK(problems_of("id: a\nspec:\n  database_name: d\n  port: 5432\n  nodes:\n    - {name: n1, host_ids: [h]}\n    "
                      "- {name: n2, host_ids: [h]}\n") ==
          "f.yaml:7:29: spec.nodes[1].host_ids[0]: duplicate ports allocated on host 'h': 5432 is used by node n1 and "
          "by node n2\n");
    CHECK(with_line("backup_config: {repositories: [{type: s3}]}") ==
          "f.yaml:4:34: spec.backup_config.repositories[0].s3_bucket: s3_bucket is required for s3 repositories\n");
    CHECK(with_line("postgresql_conf: {hba_file: x}") ==
          "f.yaml:4:31: spec.postgresql_conf.hba_file: hba_file cannot be set (use pg_hba_conf)\n");
}

TEST_CASE("a rule says nothing about a value that could not be read") {
    CHECK(with_line("backup_config: {repositories: [{type: posix, base_path: [1]}]}") ==
          "f.yaml:4:59: spec.backup_config.repositories[0].base_path: must be a text, not a list\n");
    CHECK(with_line("memory: [x]") == "f.yaml:4:11: spec.memory: must be a text, not a list\n");
}

TEST_CASE("an API body is a valid file, as JSON and as YAML") {
    const std::string body =
        R"({"id": "storefront", "spec": {"database_name": "storefront", "nodes": [{"name": "n1", "host_ids": ["host-1"]}]}})";
    for (const std::string file : {"body.json", "body.yaml", "-"}) {
        const Loaded loaded = load(body, {}, file);
        CHECK(ended_lines(loaded.problems) == "");
        REQUIRE(loaded.databases.size() == 1);
        CHECK(loaded.databases[0].document.id == "storefront");
    }
    CHECK(ended_lines(load(kSmallSpec).problems) == "");
    CHECK_FALSE(load(kSmallSpec).databases.at(0).document.id.has_value());
}

TEST_CASE("JSON files are strict and tell line and column") {
    CHECK(problems_of("{\n  \"spec\": {\n    \"port\": 70000,\n    \"database_name\": \"d\",\n    \"nodes\": "
                      "[{\"name\": \"n1\", \"host_ids\": [\"h\"]}]\n  }\n}",
                      "b.json") == "b.json:3:13: spec.port: must be between 0 and 65535\n");
    const auto trailing = problems_of("{\"spec\": {\"port\": 1,}}", "b.json");
    CAPTURE(trailing);
    CHECK(trailing.starts_with("b.json:1:21: syntax error while parsing object key"));
    CHECK(problems_of("{\"spec\": {\"port\": 1, \"port\": 2}}", "b.json")
              .find("the key \"port\" stands twice in one object") != std::string::npos);
    CHECK(problems_of("", "b.json") != "");
    // The same text in a file that may be YAML: a comma more does no harm there.
    CHECK(problems_of("{spec: {database_name: d, nodes: [{name: n1, host_ids: [h],},],},}") == "");
}

TEST_CASE("a file may hold many documents, each with its own problems") {
    const Loaded loaded = load("id: a" + kSmallSpec + "---\nid: b" + kSmallSpec + "  port: x\n---\nid: c" + kSmallSpec);
    CHECK(loaded.databases.size() == 3);
    CHECK(ended_lines(loaded.problems) == "storefront.yaml:10:9: spec.port: must be a whole number, not a text\n");
    CHECK(problems_of("id: a" + kSmallSpec + "---\nid: a" + kSmallSpec) ==
          "f.yaml:6:5: id: the database \"a\" stands in f.yaml already\n");
}

TEST_CASE("a file without a document is a problem") {
    for (const std::string text : {"", "\n\n", "# only a comment\n", "---\n---\n"})
        CHECK(problems_of(text) == "f.yaml: holds no document\n");
    CHECK(problems_of("just a text") == "f.yaml:1:1: must be an object, not a text\n");
    CHECK(problems_of("[1, 2]").starts_with("f.yaml:1:1: must be an object, not a list\n"));
}

TEST_CASE("kinds of documents that come later are refused by name, unknown ones with the nearest") {
    CHECK(problems_of("apiVersion: pgedge/v1\nkind: Cluster\nid: prod\nspec: {hosts: []}\n") ==
          "f.yaml:2:7: kind: a document of kind Cluster is not for this command (pgedgectl cluster bootstrap -f "
          "FILE)\n");
    CHECK(problems_of("kind: PostgresInstance\nspec: {cpu: 1}\n") ==
          "f.yaml:1:7: kind: documents of kind PostgresInstance are not supported by this version (only documents of "
          "kind Database are)\n");
    CHECK(problems_of("kind: Databse\nspec: {}\n") ==
          "f.yaml:1:7: kind: there is no kind \"Databse\" (did you mean \"Database\"?)\n");
    CHECK(problems_of("kind: Zzz\nspec: {}\n") ==
          "f.yaml:1:7: kind: there is no kind \"Zzz\" (write kind: Database)\n");
    CHECK(problems_of("apiVersion: pgedge/v2\nkind: Database" + kSmallSpec) ==
          "f.yaml:1:13: apiVersion: must be one of: pgedge/v1 (did you mean \"pgedge/v1\"?)\n");
    CHECK(problems_of("kind: [a]\nspec: {database_name: d, nodes: [{name: n1, host_ids: [h]}]}\n") ==
          "f.yaml:1:7: kind: must be a text, not a list\n");
    // Documents beside one that is refused are still read.
    const Loaded loaded = load("kind: Cluster\nspec: {}\n---\nid: a" + kSmallSpec);
    CHECK(loaded.problems.size() == 1);
    CHECK(loaded.databases.size() == 1);
}

TEST_CASE("literals in secret fields are a warning, and a problem when that is asked for") {
    const std::string text =
        "spec:\n  database_name: d\n  nodes: [{name: n1, host_ids: [h]}]\n  database_users: [{username: a, password: "
        "hunter2}]\n";
    const std::string said =
        "f.yaml:4:44: spec.database_users[0].password: a secret stands here in clear text (use env:NAME, file:path, "
        "generate:32 or keep)\n";
    const Loaded loose = load(text, {}, "f.yaml");
    CHECK(ended_lines(loose.problems) == "");
    CHECK(ended_lines(loose.warnings) == said);
    CHECK(loose.databases.at(0).document.spec.database_users[0].password.given()->reveal() == "hunter2");
    const Loaded strict = load(text, {.strict = true}, "f.yaml");
    CHECK(ended_lines(strict.problems) == said);
    CHECK(strict.warnings.empty());
    for (const std::string reference : {"env:X", "file:x", "generate:32", "keep", "12345", "~"}) {
        const Loaded loaded = load(
            "spec: {database_name: d, nodes: [{name: n1, host_ids: [h]}], database_users: [{username: a, password: " +
            reference + "}]}");
        CHECK(ended_lines(loaded.problems) == "");
        CHECK(loaded.warnings.size() == (reference == "12345" ? 1 : 0));
    }
    CHECK(with_line("database_users: [{username: a, password: \"generate:3\"}]") ==
          "f.yaml:4:44: spec.database_users[0].password: generate: needs a number of characters from 8 to 128 "
          "(generate:32)\n");
    CHECK(with_line("database_users: [{username: a, password: \"command:pass show\"}]") ==
          "f.yaml:4:44: spec.database_users[0].password: command: references are not supported by this version (use "
          "env:NAME, file:path, generate:N or keep)\n");
}

TEST_CASE("problems that are found later get their place in the file") {
    const Loaded loaded = load(kStorefront);
    std::vector<Problem> problems{{.path = "spec.nodes[1].host_ids[1]", .text = "unknown host"},
                                  {.path = "spec.nodes[0].port", .text = "taken"},
                                  {.path = "spec.nodes[7].name", .text = "gone"}};
    place(problems, loaded.databases.at(0));
    CHECK(ended_lines(problems) ==
          "storefront.yaml:17:37: spec.nodes[1].host_ids[1]: unknown host\n"
          "storefront.yaml:16:7: spec.nodes[0].port: taken\n"
          "storefront.yaml:16:5: spec.nodes[7].name: gone\n");
}

TEST_CASE("a file is read with its directory, a directory with all its files") {
    const testing::TemporaryDirectory directory;
    write_file(directory.path() / "b.yaml", "id: b" + kSmallSpec);
    write_file(directory.path() / "a.yml", "id: a" + kSmallSpec);
    write_file(directory.path() / "c.json",
               R"({"id": "c", "spec": {"database_name": "d", "nodes": [{"name": "n1", "host_ids": ["h"]}]}})");
    write_file(directory.path() / "notes.txt", "no spec: [");
    std::filesystem::create_directory(directory.path() / "sub.yaml");

    const Loaded all = load_file(directory.path());
    CHECK(ended_lines(all.problems) == "");
    REQUIRE(all.databases.size() == 3);
    CHECK(all.databases[0].document.id == "a");
    CHECK(all.databases[2].document.id == "c");
    CHECK(all.databases[0].base_dir == directory.path());
    CHECK(load_file(directory.path() / "b.yaml").databases.size() == 1);

    write_file(directory.path() / "d.yaml", "id: a" + kSmallSpec);
    CHECK(ended_lines(load_file(directory.path()).problems) ==
          (directory.path() / "d.yaml").string() + ":1:5: id: the database \"a\" stands in " +
              (directory.path() / "a.yml").string() + " already\n");

    write_file(directory.path() / "large.yaml", "# " + std::string(kMaxSpecFile, 'x'));
    CHECK(ended_lines(load_file(directory.path() / "large.yaml").problems) ==
          (directory.path() / "large.yaml").string() + ": is larger than 1048576 bytes\n");
    CHECK_THROWS_AS(load_file(directory.path() / "none.yaml"), Error);
    CHECK_THROWS_AS(load_file(directory.path() / "sub.yaml"), Error);
}
