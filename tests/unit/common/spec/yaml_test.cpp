#include <doctest/doctest.h>

#include "common/spec/document.hpp"
#include "common/spec/seal.hpp"
#include "common/spec/write.hpp"
#include "tests/unit/common/spec/specs.hpp"

using namespace pgedge;

namespace {

/// JSON for a tree, where plain scalars are JSON's when they look like it.
Json json_of(const Value& value) {
    switch (value.kind) {
        case Value::Kind::null: return nullptr;
        case Value::Kind::quoted: return value.text;
        case Value::Kind::plain: return Json::accept(value.text) ? Json::parse(value.text) : Json(value.text);
        case Value::Kind::list: {
            Json list = Json::array();
            for (const auto& item : value.items) list.push_back(json_of(item));
            return list;
        }
        case Value::Kind::map: break;
    }
    Json map = Json::object();
    for (const auto& entry : value.entries) map[entry.name] = json_of(entry.value);
    return map;
}

}  // namespace

TEST_CASE("a database is written as a file that people would write") {
    DatabaseDocument document = load_body(small_body());
    document.tenant_id = "acme";
    document.spec.postgres_version = "17.10";
    document.spec.database_users[0].password = SecretRef{"database/storefront/users/admin/password", "0"};
    document.spec.postgresql_conf = {{"max_connections", "500"}, {"work_mem", "64MB"}};
    document.spec.scripts.post_init = {"SELECT 'it''s'"};
    CHECK(to_yaml(document) == R"(apiVersion: pgedge/v1
kind: Database
id: storefront
tenant_id: acme
spec:
  database_name: storefront
  postgres_version: "17.10"
  port: 5432
  nodes:
    - name: n1
      host_ids: [host-1]
    - name: n2
      host_ids: [host-2]
    - name: n3
      host_ids: [host-3]
  database_users:
    - username: admin
      password: keep
      db_owner: true
      attributes: [LOGIN]
  postgresql_conf:
    max_connections: 500
    work_mem: "64MB"
  scripts:
    post_init: ["SELECT 'it''s'"]
)");
}

TEST_CASE("a database with every field that is written as a file reads back as the same spec") {
    DatabaseDocument document = load_body(full_body());
    document.spec.services.clear();  // their secrets cannot be kept
    seal_secrets("storefront", document.spec, [](const std::string& name, const Secret&) {
        return SecretRef{name, "0"};
    });

    const std::string text = to_yaml(document);
    const Loaded loaded = load_text(text, "x.yaml", "/");

    REQUIRE(loaded.problems.empty());
    CHECK(loaded.warnings.empty());
    REQUIRE(loaded.databases.size() == 1);
    CHECK(loaded.databases[0].document.id == document.id);
    CHECK(to_shown_json(loaded.databases[0].document.spec).dump() == to_shown_json(document.spec).dump());
    CHECK(to_yaml(loaded.databases[0].document) == text);
    for (const auto& secret : secret_texts()) CHECK(text.find(secret) == std::string::npos);
}

TEST_CASE("what a server shows reads back, also when the server is newer") {
    const DatabaseSpec spec = load_body(full_body()).spec;
    OrderedJson shown = to_shown_json(spec);
    shown["from_the_future"] = 1;
    shown["nodes"][0]["another"] = {{"a", 1}};
    CHECK(to_shown_json(spec_from_shown(parse_json(to_text(shown)))).dump() == to_shown_json(spec).dump());
    CHECK_THROWS(spec_from_stored(parse_json(to_text(shown))));
    CHECK_THROWS(spec_from_shown(Json::array()));
    CHECK_THROWS(spec_from_shown({{"nodes", 5}}));
}

TEST_CASE("a number that was not written as JSON prints it keeps its spelling") {
    DatabaseSpec spec = load_body(small_body()).spec;
    spec.database_users.clear();
    spec.postgresql_conf = {{"a", "1.10"}, {"b", "0777"}, {"c", "1e3"}, {"d", "-5"}, {"e", "on"},
                            {"f", "True"}, {"g", "true"}, {"h", "0.5"}, {"i", ""},   {"j", "9223372036854775808"}};
    CHECK(to_shown_json(spec).at("postgresql_conf") == OrderedJson{{"a", "1.10"},
                                                                   {"b", "0777"},
                                                                   {"c", "1e3"},
                                                                   {"d", -5},
                                                                   {"e", "on"},
                                                                   {"f", "True"},
                                                                   {"g", true},
                                                                   {"h", 0.5},
                                                                   {"i", ""},
                                                                   {"j", "9223372036854775808"}});
    CHECK(to_stored_json(spec).at("postgresql_conf").at("d") == "-5");
    CHECK(spec_from_stored(to_stored_json(spec)).postgresql_conf == spec.postgresql_conf);
}

TEST_CASE("any JSON value written as YAML reads back as the same value") {
    const std::vector<Json> values{
        full_body(),
        {{"a", Json::object()},
         {"b", Json::array()},
         {"c", {{"d", nullptr}}},
         {"e", {Json::array(), Json::object(), Json::array({1, Json::array({2, Json::array({"x"})})})}}},
        {{"text", {"",    " ",     "a b", "a: b", "a #b", "- a",       "yes", "No",     "null", "~",    "1",
                   "1.5", "0x1",   "{a}", "[a]",  "&a",   "*a",        "!a",  "|",      ">",    "'",    "\"",
                   "%a",  "@a",    "`a",  "a\nb", "a\tb", "ü",         "😀",   "a:",     ":a",   "#",    "?",
                   "-",   "--- a", "...", "=",    "<<",   "/abs/path", "n1",  "host-1", "1a",   "é: è", "x\u2028y"}}},
        {{"- a", 1}, {"a: b", 2}, {"", 3}, {"yes", 4}, {"5", 5}, {"#", 6}, {"ü", 7}},
        Json::array({Json::array({1, 2}), {{"a", {1, 2}}, {"b", {{"c", 1}}}}, "x", nullptr, true, 1.5, -3}),
        {{"long", std::vector<std::string>(40, "word")}},
    };
    for (const auto& value : values) {
        const std::string text = to_yaml(OrderedJson::parse(to_text(value)));
        CAPTURE(text);
        const Documents documents = parse_yaml(text);
        REQUIRE(documents.problems.empty());
        REQUIRE(documents.roots.size() == 1);
        CHECK(json_of(documents.roots[0]) == value);
    }
    CHECK(to_yaml(OrderedJson(5)) == "5\n");
    CHECK(to_yaml(OrderedJson::object()) == "{}\n");
}
