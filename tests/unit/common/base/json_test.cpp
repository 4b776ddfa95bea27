#include "common/base/json.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

namespace {

std::string refusal_of(std::string_view text) {
    try {
        parse_json(text);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::invalid_input);
        return error.text();
    }
    return "taken";
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("JSON that keeps the rules is read as it is") {
    CHECK(parse_json(R"( {"a": [1, -2, 1.5, true, null], "b": {"a": "x\u00e9\n"}} )") ==
          Json{{"a", {1, -2, 1.5, true, nullptr}}, {"b", {{"a", "xé\n"}}}});
    CHECK(parse_json("7") == Json(7));
    CHECK(parse_json("18446744073709551615").get<std::uint64_t>() == UINT64_MAX);
    CHECK(parse_json("-9223372036854775808").get<std::int64_t>() == INT64_MIN);
}

TEST_CASE("the same key twice in one object is refused, in two objects it is not") {
    CHECK(refusal_of(R"({"a": 1, "b": 2, "a": 3})") ==
          "not valid JSON: line 1, column 20: the key \"a\" stands twice in one object");
    CHECK(refusal_of("{\n \"x\": {\"a\": 1,\n  \"\\u0061\": 2}}") ==
          "not valid JSON: line 3, column 10: the key \"a\" stands twice in one object");
    CHECK(refusal_of(R"([{"a": 1}, {"a": {"a": 2}}])") == "taken");
}

TEST_CASE("a key that reads like a message of the library is told as it is") {
    CHECK(refusal_of(R"({"in line 7; last read: x": 1, "in line 7; last read: x": 2})") ==
          "not valid JSON: line 1, column 56: the key \"in line 7; last read: x\" stands twice in one object");
}

TEST_CASE("nesting is bounded before memory or the stack is") {
    CHECK(refusal_of(nested(kMaxJsonDepth)) == "taken");
    CHECK(refusal_of(nested(kMaxJsonDepth + 1)) == "not valid JSON: line 1, column 65: nested deeper than 64 levels");
    CHECK(refusal_of(std::string(1'000'000, '[')) == "not valid JSON: line 1, column 65: nested deeper than 64 levels");
    std::string objects;
    for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
    CHECK(refusal_of(objects).find("nested deeper than 64 levels") != std::string::npos);
}

TEST_CASE("a number that no type holds is refused with its place") {
    CHECK(refusal_of("{\"port\":\n 1e999}") == "not valid JSON: line 2, column 7: a number is out of range");
    CHECK(refusal_of("-1e999").find("a number is out of range") != std::string::npos);
}

TEST_CASE("bad UTF-8 and broken escapes are refused") {
    for (const char* text : {"\"\xff\"", "\"\xc3(\"", "\"\xed\xa0\x80\"", "\"\xc0\xaf\"", "\"\\ud800\"", "\"\\udc00x\"",
                             "\"\\x41\"", "\"a\nb\"", "{\"\xff\": 1}"}) {
        CAPTURE(text);
        CHECK(refusal_of(text).starts_with("not valid JSON: line "));
    }
}

TEST_CASE("what other parsers let pass is no JSON") {
    for (const char* text : {"", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "[1] [2]", "// x\n1", "/* x */ 1",
                             "NaN", "Infinity", "01", "+1", ".5", "1.", "0x10", "True", "nul"}) {
        CAPTURE(text);
        CHECK(refusal_of(text).starts_with("not valid JSON: line "));
    }
}

TEST_CASE("nothing hides behind a NUL byte") {
    CHECK(refusal_of({"{\"a\": 1}\n\0{\"b\": 2}", 19}) == "not valid JSON: line 2, column 1: a NUL byte");
    CHECK(refusal_of({"\0", 1}) == "not valid JSON: line 1, column 1: a NUL byte");
    CHECK(refusal_of({"\"a\0b\"", 5}).find("a NUL byte") != std::string::npos);
    CHECK(parse_json(R"("a\u0000b")").get<std::string>() == std::string("a\0b", 3));
}

TEST_CASE("an error tells where, and nothing of the text it read, which may be a password") {
    for (const char* text :
         {"{\"password\": \"hunter2\n", "{\"password\": hunter2}", "{\"password\": \"hunter2; expected hunter2\n\"}",
          "{\"password\": \"'; expected hunter2\n\"}", "[\"hunter2\", \"hunter2\" \"hunter2\"]", "hunter2",
          "{\"password\": \"hunter2\\q\"}"}) {
        const std::string refusal = refusal_of(text);
        CAPTURE(refusal);
        CHECK(refusal.starts_with("not valid JSON: line "));
        CHECK(refusal.find("unter2") == std::string::npos);
    }
}

TEST_CASE("JSON is printed on one line, whatever its texts hold") {
    CHECK(to_text(Json{{"b", 1}, {"a", "x\ny"}}) == R"({"a":"x\ny","b":1})");
    CHECK(to_text(OrderedJson{{"b", 1}, {"a", true}}) == R"({"b":1,"a":true})");
    CHECK(to_text(Json("a\xff"
                       "b")) ==
          "\"a\xef\xbf\xbd"
          "b\"");  // U+FFFD in the place of what is no UTF-8
}
