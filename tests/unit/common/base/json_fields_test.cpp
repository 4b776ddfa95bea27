#include "common/base/json_fields.hpp"

#include <functional>

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

namespace {

std::string complaint_of(const std::function<void()>& reading) {
    try {
        reading();
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::invalid_input);
        return error.text();
    }
    return "none";
}

}  // namespace

TEST_CASE("members of the right type are given, and done() is content when all were asked for") {
    const Json json{{"name", "n1"},        {"port", 5432},        {"on", true},     {"list", {1, 2}},
                    {"inner", {{"a", 1}}}, {"words", {"x", "y"}}, {"what", nullptr}};
    JsonFields fields(json, "plan");

    CHECK(fields.text("name") == "n1");
    CHECK(fields.integer("port") == 5432);
    CHECK(fields.flag("on"));
    CHECK(fields.list("list").size() == 2);
    CHECK(fields.object("inner").at("a") == 1);
    CHECK(fields.texts("words") == std::vector<std::string>{"x", "y"});
    CHECK(fields.any("what").is_null());
    CHECK(fields.find("absent") == nullptr);
    CHECK_NOTHROW(fields.done());
}

TEST_CASE("what is wrong is told with its path") {
    const Json json{{"name", 1}, {"port", "5432"}, {"on", 1}, {"list", Json::object()}, {"words", {"x", 2}}};
    JsonFields fields(json, "plan.steps[3]");

    CHECK(complaint_of([&] { fields.text("name"); }) == "plan.steps[3].name: a text is expected");
    CHECK(complaint_of([&] { fields.integer("port"); }) == "plan.steps[3].port: a whole number is expected");
    CHECK(complaint_of([&] { fields.flag("on"); }) == "plan.steps[3].on: true or false is expected");
    CHECK(complaint_of([&] { fields.list("list"); }) == "plan.steps[3].list: a list is expected");
    CHECK(complaint_of([&] { fields.object("words"); }) == "plan.steps[3].words: an object is expected");
    CHECK(complaint_of([&] { fields.texts("words"); }) == "plan.steps[3].words: a list of texts is expected");
    CHECK(complaint_of([&] { fields.text("absent"); }) == "plan.steps[3].absent is missing");
    CHECK(complaint_of([&] { JsonFields(json.at("words"), "plan"); }) == "plan: an object is expected");
}

TEST_CASE("integers are those of 64 bits, without fractions") {
    const Json json = parse_json(R"({"most": 9223372036854775807, "least": -9223372036854775808,
                                     "above": 9223372036854775808, "huge": 1e30, "half": 1.5, "whole": 2.0})");
    JsonFields fields(json, "x");

    CHECK(fields.integer("most") == INT64_MAX);
    CHECK(fields.integer("least") == INT64_MIN);
    CHECK(complaint_of([&] { fields.integer("above"); }) == "x.above: the number is too large");
    for (const char* name : {"huge", "half", "whole"})
        CHECK(complaint_of([&] { fields.integer(name); }).ends_with(": a whole number is expected"));
}

TEST_CASE("a member that nobody asked for is refused") {
    const Json json{{"name", "n1"}, {"nmae", "n2"}};
    JsonFields fields(json, "host");
    fields.text("name");

    CHECK(complaint_of([&] { fields.done(); }) == "host.nmae is not known");
    fields.find("nmae");
    CHECK(complaint_of([&] { fields.done(); }) == "none");
}
