#include "tests/contract/openapi_check.hpp"

#include <doctest/doctest.h>

using namespace pgedge;

namespace {

const char* const kDocument = R"({
  "paths": {
    "/v1/things/{id}": {"get": {"responses": {
      "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
      "404": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}}}},
    "/v1/things/none": {"get": {"responses": {"204": {}}}}},
  "components": {"schemas": {
    "Thing": {"type": "object", "required": ["id", "made_at"], "properties": {
      "id": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
      "made_at": {"type": "string", "format": "date-time"},
      "colour": {"type": "string", "enum": ["red", "green"]},
      "sizes": {"type": "array", "items": {"type": "integer", "minimum": 1}}}},
    "Problem": {"type": "object", "required": ["name", "message"],
                "properties": {"name": {"type": "string"}, "message": {"type": "string"}}}}}})";

std::vector<std::string> faults_of(const std::string& body, int status = 200, const std::string& error = "") {
    HttpResponse response;
    response.status = status;
    response.headers = {{"Content-Type", "application/json"}, {"goa-error", error}};
    response.body = body;
    return OpenApiCheck(Json::parse(kDocument)).faults("GET", "/v1/things/a", response);
}

}  // namespace

TEST_CASE("an answer as the document has it has no faults") {
    CHECK(faults_of(R"({"id": "ab", "made_at": "2026-11-21T10:00:00Z", "colour": "red", "sizes": [1, 2]})").empty());
    CHECK(faults_of(R"({"name": "not_found", "message": "no thing"})", 404, "not_found").empty());
}

TEST_CASE("every kind of fault is found, with its place") {
    const std::string time = R"("made_at": "2026-11-21T10:00:00Z")";
    using Faults = std::vector<std::string>;
    CHECK(faults_of(R"({"id": "ab"})") == Faults{"the body: lacks made_at"});
    CHECK(faults_of(R"({"id": 7, )" + time + "}") == Faults{R"(id: is number, not "string")"});
    CHECK(faults_of(R"({"id": "abcdefg", )" + time + "}") == Faults{"id: is too long"});
    CHECK(faults_of(R"({"id": "A", )" + time + "}") == Faults{R"(id: 'A' does not match "^[a-z]+$")"});
    CHECK(faults_of(R"({"id": "a", "colour": "blue", )" + time + "}") ==
          Faults{R"(colour: "blue" is none of ["red","green"])"});
    CHECK(faults_of(R"({"id": "a", "sizes": [1, 0], )" + time + "}") == Faults{"sizes[1]: 0 is too small"});
    CHECK(faults_of(R"({"id": "a", "sizes": null, )" + time + "}") == Faults{R"(sizes: is null, not "array")"});
    CHECK(faults_of(R"({"id": "a", "extra": 1, )" + time + "}") == Faults{"extra: is not in the document"});
    CHECK(faults_of(R"({"id": "a", "made_at": "2026-11-21T10:00:00.5Z"})").size() == 1);
    CHECK(faults_of("{").size() == 1);
}

TEST_CASE("an error whose header differs from its name is a fault") {
    CHECK(faults_of(R"({"name": "not_found", "message": "no thing"})", 404, "").size() == 1);
}

TEST_CASE("a status that the document lacks is a fault") { CHECK(faults_of("{}", 202).size() == 1); }

TEST_CASE("a fixed segment wins over a variable one") {
    HttpResponse empty;
    empty.status = 204;
    const OpenApiCheck check(Json::parse(kDocument));
    CHECK(check.faults("GET", "/v1/things/none", empty).empty());
    CHECK(check.faults("GET", "/v1/things/a", empty).size() == 1);
    CHECK(check.faults("POST", "/v1/things/a", empty).size() == 1);
    CHECK(check.faults("GET", "/v1/nothing", empty).size() == 1);
}
