#include "common/spec/schema.hpp"

#include <cstdlib>
#include <functional>
#include <set>

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/spec/fields.hpp"

using namespace pgedge;

TEST_CASE("the schema that is checked in is the one the program prints") {
    if (std::getenv("PGEDGE_ACCEPT")) write_file(PGEDGE_SCHEMA, json_schema_text());
    CHECK_MESSAGE(
        read_file(PGEDGE_SCHEMA) == json_schema_text(),
        "after a change of the fields table run this test once with PGEDGE_ACCEPT=1 and look at the difference");
}

namespace {

void each_ref(const OrderedJson& schema, const std::function<void(const std::string&)>& visit) {
    if (schema.is_object() && schema.contains("$ref")) visit(schema.at("$ref").get<std::string>());
    if (schema.is_structured())
        for (const auto& inner : schema) each_ref(inner, visit);
}

}  // namespace

TEST_CASE("every reference of the schema leads to a definition, and every definition is used") {
    const auto schema = json_schema();
    std::set<std::string> used{"Database"};
    each_ref(schema, [&](const std::string& ref) {
        REQUIRE(ref.starts_with("#/definitions/"));
        used.insert(ref.substr(std::string("#/definitions/").size()));
    });
    std::set<std::string> defined;
    for (const auto& [name, definition] : schema.at("definitions").items()) defined.insert(name);
    CHECK(used == defined);
    CHECK(schema.at("$schema") == "http://json-schema.org/draft-07/schema#");
}

TEST_CASE("the schema holds bounds, patterns, words, defaults and notes of the table") {
    const auto definitions = schema_definitions("#/x/");
    const auto& database = definitions.at("Database").at("properties");
    CHECK(definitions.at("Database").at("required") == OrderedJson{"database_name", "nodes"});
    CHECK(definitions.at("Database").at("additionalProperties") == false);
    CHECK(database.at("port").at("maximum") == 65535);
    CHECK(database.at("database_name").at("maxLength") == 31);
    CHECK(database.at("nodes").at("maxItems") == 9);
    CHECK(database.at("nodes").at("items").at("$ref") == "#/x/Node");
    CHECK(database.at("postgresql_conf").at("maxProperties") == 64);
    CHECK(database.at("database_name").at("x-notes") == OrderedJson{"cannot be changed after creation"});
    CHECK(definitions.at("User").at("properties").at("password").at("x-secret") == true);
    CHECK(definitions.at("User").at("properties").at("db_owner").at("default") == false);
    CHECK(definitions.at("Repository").at("properties").at("retention_full").at("default") == 7);
    CHECK(definitions.at("Repository").at("properties").at("type").at("enum").size() == 5);
    CHECK_FALSE(definitions.at("RestoreRepository").at("properties").contains("retention_full"));
    CHECK(definitions.at("Node").at("properties").at("name").at("pattern") == "^n[0-9]+$");
    CHECK(definitions.at("Service").at("allOf").size() == 3);
}

namespace {

void each_type(const Type& type, std::set<const Type*>& seen, const std::function<void(const Type&)>& visit) {
    if (!seen.insert(&type).second) return;
    visit(type);
    for (const auto& field : type.fields) {
        if (field.type) each_type(*field.type, seen, visit);
        if (field.kind == Kind::config)
            for (const auto service : service_types()) each_type(*service_config_type(service), seen, visit);
    }
}

}  // namespace

TEST_CASE("every field of the table has a text, and its example is what the field takes") {
    std::set<const Type*> seen;
    std::size_t fields = 0;
    each_type(file_type(), seen, [&](const Type& type) {
        CHECK_FALSE(type.doc.empty());
        std::set<std::string_view> names;
        for (const auto& field : type.fields) {
            CAPTURE(type.name);
            CAPTURE(field.name);
            ++fields;
            CHECK(names.insert(field.name).second);
            CHECK(field.doc.ends_with("."));
            if (field.example.empty()) continue;
            const auto example = Json::parse(field.example);
            CHECK(example.is_string() == (field.kind == Kind::text || field.kind == Kind::secret));
            if (field.pattern && example.is_string()) CHECK(field.pattern->matches(example.get<std::string>()));
            CHECK(example.is_array() == (field.kind == Kind::texts || field.kind == Kind::objects));
            CHECK(example.is_number() == (field.kind == Kind::integer || field.kind == Kind::number));
        }
    });
    CHECK(fields > 120);
}

TEST_CASE("a field of a service's config is secret exactly when its name says so") {
    // The control plane hides keys by their names (control-plane API, "secrets are never returned").
    const auto name_is_secret = [](std::string_view name) {
        if (name == "token" || name.ends_with("_token") || name == "init_users") return true;
        for (const std::string_view part :
             {"password", "secret", "api_key", "apikey", "api-key", "credential", "private_key", "access_key"})
            if (name.find(part) != std::string_view::npos) return true;
        return false;
    };
    for (const auto service : service_types()) {
        std::set<const Type*> seen;
        each_type(*service_config_type(service), seen, [&](const Type& type) {
            for (const auto& field : type.fields) {
                CAPTURE(field.name);
                CHECK(name_is_secret(field.name) == (field.kind == Kind::secret || field.kind == Kind::secret_value));
            }
        });
    }
}

TEST_CASE("a field is explained with its type, bounds, default, example and notes") {
    CHECK(explain("spec.nodes[0].port") ==
          "spec.nodes.port: whole number between 0 and 65535\n\n"
          "Port that PostgreSQL listens on for clients. 0 picks a free port once and keeps it for life; left out, "
          "clients "
          "cannot connect from outside.\n\n"
          "  default: not published\n"
          "  example: port: 5432\n"
          "  note: a change restarts PostgreSQL\n"
          "  note: a node's own value replaces the database's\n");
    CHECK(explain("nodes.port") == explain("spec.nodes.port"));
}

TEST_CASE("an object is explained with the fields inside") {
    const auto text = explain("spec.scripts");
    CHECK(
        text.find(
            "\nFields:\n  post_init             list of texts of between 1 and 1024 characters, at most 256 items\n") !=
        std::string::npos);
    CHECK(explain("").find("  spec        object (Database), required\n") != std::string::npos);
    CHECK(explain("spec.services.config").find("For service_type rag:") != std::string::npos);
    CHECK(explain("spec.services.config.max_rows").find("Most rows of one answer.") != std::string::npos);
}

TEST_CASE("every field of every type can be explained") {
    std::function<void(const std::string&, const Type&)> walk = [&](const std::string& path, const Type& type) {
        for (const auto& field : type.fields) {
            const std::string below = path.empty() ? std::string(field.name) : path + "." + std::string(field.name);
            CHECK(explain(below).find(field.doc) != std::string::npos);
            if (field.type && field.kind != Kind::secret_value) walk(below, *field.type);
        }
    };
    walk("", file_type());
}

TEST_CASE("a field that does not exist is answered with the nearest name") {
    const auto hint_of = [](std::string_view path) {
        try {
            explain(path);
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::not_found);
            return error.text() + " / " + error.hint();
        }
        return std::string("explained");
    };
    CHECK(hint_of("spec.nodes.prot") == "there is no field \"spec.nodes.prot\" / did you mean \"port\"?");
    CHECK(hint_of("spec.zzzzzz").starts_with("there is no field \"spec.zzzzzz\" / fields here: database_name, "));
    CHECK(hint_of("spec.port.x") == "there is no field \"spec.port.x\": port has no fields inside / ");
    CHECK(hint_of("spec.services.config.max_row") ==
          "there is no field \"spec.services.config.max_row\" / did you mean \"max_rows\"?");
}
