#include "common/spec/document.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/spec/scalars.hpp"
#include "tests/capture_bound.hpp"

using namespace pgedge;

namespace {

std::string problems_of(const Documents& documents) {
    std::string text;
    for (const auto& problem : documents.problems)
        text += fmt::format("{}:{}: {}{}\n", problem.line, problem.column, problem.text,
                            problem.hint.empty() ? "" : " (" + problem.hint + ")");
    return text;
}

/// The only document of a text without problems.
Value yaml(std::string_view text) {
    Documents documents = parse_yaml(text);
    REQUIRE_MESSAGE(documents.problems.empty(), problems_of(documents));
    REQUIRE(documents.roots.size() == 1);
    return documents.roots[0];
}

}  // namespace

TEST_CASE("scalars of YAML stay the text that was written") {
    const Value root =
        yaml("a: no\nb: 0777\nc: 22:22\nd: 1.10\ne: '5'\nf: \"x\\ty\"\ng: !!str 7\nh: 2026-01-01\ni: ~\nj:\nk: on\n");
    const auto check = [&](const char* name, Value::Kind kind, std::string_view text) {
        CAPTURE(name);
        const Value* value = root.find(name);
        REQUIRE(value);
        CHECK(value->kind == kind);
        CHECK(value->text == text);
    };
    check("a", Value::Kind::plain, "no");
    check("b", Value::Kind::plain, "0777");
    check("c", Value::Kind::plain, "22:22");
    check("d", Value::Kind::plain, "1.10");
    check("e", Value::Kind::quoted, "5");
    check("f", Value::Kind::quoted, "x\ty");
    check("g", Value::Kind::quoted, "7");
    check("h", Value::Kind::plain, "2026-01-01");
    check("i", Value::Kind::null, "");
    check("j", Value::Kind::null, "");
    check("k", Value::Kind::plain, "on");
}

TEST_CASE("every value of YAML knows its line and its column in characters") {
    const Value root = yaml("ä: 'é' # ü\nlist:\n  - ö: 1\n  - x\nempty:\n");
    CHECK(root.at == Position{1, 1});
    CHECK(root.entries[0].at == Position{1, 1});
    CHECK(root.entries[0].value.at == Position{1, 4});
    CHECK(root.find("list")->items[0].find("ö")->at == Position{3, 8});
    CHECK(root.find("list")->items[1].at == Position{4, 5});
    CHECK(root.find("empty")->at == Position{5, 1});
    const auto places = places_of(root);
    CHECK(places.at("list[0].ö") == Position{3, 8});
    CHECK(places.at("") == Position{1, 1});
}

TEST_CASE("a byte order mark is no part of the text") {
    const Value root = yaml(
        "\xEF\xBB\xBF"
        "a: 1\n");
    CHECK(root.find("a")->at == Position{1, 4});
}

TEST_CASE("a text may hold many documents, and empty ones do not count") {
    const Documents documents = parse_yaml("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n");
    CHECK(documents.problems.empty());
    REQUIRE(documents.roots.size() == 2);
    CHECK(documents.roots[1].find("b")->at == Position{7, 4});
    CHECK(parse_yaml("").roots.empty());
    CHECK(parse_yaml("# only a comment\n").roots.empty());
}

TEST_CASE("anchors repeat values") {
    const Value root = yaml("a: &x {host_ids: [h1, h2]}\nb: *x\nc: &y text\nd: [*y, *y]\n");
    CHECK(root.find("b")->find("host_ids")->items[1].text == "h2");
    CHECK(root.find("d")->items[1].text == "text");
    CHECK(root.find("b")->find("host_ids")->at == Position{1, 18});
}

TEST_CASE("what YAML texts must not hold is refused with its place") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"a: 1\nb: 2\na: 3\n", "3:1: the key \"a\" stands twice in one map\n"},
        {"x: {a: 1, 'a': 2}\n", "1:11: the key \"a\" stands twice in one map\n"},
        {"a:\n\tb: 1\n", "2:3: a tab cannot indent YAML (use spaces)\n"},
        {"a:\n  b: 1\n\tc: 2\n", "3:1: a tab cannot indent YAML (use spaces)\n"},
        {"5: x\n", "1:1: a key has to be a text (write it in quotes: \"5\")\n"},
        {"true: x\n", "1:1: a key has to be a text (write it in quotes: \"true\")\n"},
        {"~: x\n", "1:1: a key has to be a text\n"},
        {"[a, b]: x\n", "1:1: a key has to be a text\n"},
        {"? {a: b}\n: x\n", "1:3: a key has to be a text\n"},
        {"base: &b {a: 1}\nx:\n  <<: *b\n",
         "3:3: merge keys (<<) are not part of YAML 1.2 (repeat the values, or use an alias for the whole value)\n"},
        {"a: !custom 1\n", "1:4: the tag !custom is not known (remove it)\n"},
        {"a: 'open\n", "1:4: a quote is not closed\n"},
        {"a: &x \"open\\\"\nb: 'c'\n", "1:4: a quote is not closed\n"},
        {"a: 'it''s\n", "1:4: a quote is not closed\n"},
        {"a: 'open", "1:9: not valid YAML: illegal EOF in scalar\n"},
        {"a: *nope\n", "1:4: not valid YAML: the referenced anchor is not defined\n"},
        {"a: &a [*a]\n", "1:8: an alias refers to the value it stands in\n"},
        {"a: b\x04\nc: d\n", "1:5: a control character stands here\n"},
        {std::string("a: b\0c", 6), "1:5: a control character stands here\n"},
        {"a: \xC3(\n", "1:4: this is not UTF-8\n"},
        {"ok: 1\na: \xED\xA0\x80\n", "2:4: this is not UTF-8\n"},
        {"a: b: c\n", "1:5: not valid YAML: illegal map value\n"},
        {"}", "1:1: not valid YAML: illegal flow end\n"},
    };
    for (const auto& [text, problems] : rows) {
        CAPTURE_BOUND(text);
        CHECK(problems_of(parse_yaml(text)) == problems);
    }
}

TEST_CASE("all double keys of a text are told at once, and the first value stays") {
    const Documents documents = parse_yaml("a: 1\na: 2\nb: {c: 1, c: 2}\n");
    CHECK(documents.problems.size() == 2);
    REQUIRE(documents.roots.size() == 1);
    CHECK(documents.roots[0].find("a")->text == "1");
}

TEST_CASE("a text that nests deeper than 64 levels is refused") {
    const auto flow = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(parse_yaml("- " + flow(63)).problems.empty());
    CHECK(problems_of(parse_yaml("- " + flow(64))) == "1:66: nested deeper than 64 levels\n");
    CHECK(parse_yaml(std::string(100'000, '[')).problems.size() == 1);
    CHECK(parse_json_document(flow(64)).problems.empty());
    CHECK(problems_of(parse_json_document(flow(65))) == "1:65: nested deeper than 64 levels\n");
    CHECK(parse_json_document(flow(500'000)).problems.size() == 1);
    std::string dashes;
    for (int i = 0; i < 200; ++i) dashes += "- ";
    CHECK(parse_yaml(dashes + "x").problems.size() == 1);

    // Aliases cannot get round it.
    std::string tower = "a0: &a0 [x]\n";
    for (int i = 1; i < 70; ++i) tower += fmt::format("a{}: &a{} [*a{}]\n", i, i, i - 1);
    CHECK(problems_of(parse_yaml(tower)).find("nested deeper than 64 levels") != std::string::npos);
}

TEST_CASE("aliases that would explode are refused at once") {
    std::string laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
    for (int i = 1; i < 12; ++i)
        laughs += fmt::format("a{}: &a{} [*a{}, *a{}, *a{}, *a{}, *a{}, *a{}, *a{}, *a{}, *a{}]\n", i, i, i - 1, i - 1,
                              i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    CHECK(problems_of(parse_yaml(laughs)).find("there are more than 50000 values") != std::string::npos);

    std::string long_text = "a: &a " + std::string(500'000, 'x') + "\nb: [";
    for (int i = 0; i < 1000; ++i) long_text += "*a,";
    CHECK(problems_of(parse_yaml(long_text + "]")).find("the texts that aliases repeat are too large") !=
          std::string::npos);
}

TEST_CASE("a text with very many values is refused") {
    std::string many = "[";
    for (int i = 0; i < 60'000; ++i) many += "1,";
    many += "1]";
    CHECK(problems_of(parse_yaml(many)).find("there are more than 50000 values") != std::string::npos);
    CHECK(problems_of(parse_json_document(many)).find("there are more than 50000 values") != std::string::npos);
    std::string keys;
    for (int i = 0; i < 24'000; ++i) keys += fmt::format("key{}: 1\n", i);
    CHECK(parse_yaml(keys).problems.empty());
}

TEST_CASE("JSON is read with the same tree and its places") {
    const Documents documents =
        parse_json_document("{\n\t\"ä\": [1, -2.50, true, null, \"x\\u00e9\\ud83d\\ude00\\/\"],\n  \"b\": {}\n}\n");
    REQUIRE(documents.problems.empty());
    const Value& root = documents.roots.at(0);
    const auto& items = root.find("ä")->items;
    REQUIRE(items.size() == 5);
    CHECK(items[0].text == "1");
    CHECK(items[1].text == "-2.50");
    CHECK(items[1].at == Position{2, 11});
    CHECK(items[2].text == "true");
    CHECK(items[3].kind == Value::Kind::null);
    CHECK(items[4].kind == Value::Kind::quoted);
    CHECK(items[4].text == "xé😀/");
    CHECK(root.find("b")->kind == Value::Kind::map);
    CHECK(root.entries[1].at == Position{3, 3});
}

TEST_CASE("bad JSON is refused with its place, and what stands there is not repeated") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"{\n  \"a\": 1,\n}", "3:1: "}, {"{\"a\": 1 \"b\": 2}", "1:"}, {"{\"password\": \"topsecret\\q\"}", "1:"},
        {"{\"a\": 'x'}", "1:7: "},      {"{\"a\": 1} x", "1:10: "},    {"", "1:1: "},
        {"{\"a\": \"\xC3(\"}", "1:"},   {"{\"a\": nul}", "1:"},        {"{\"a\": 01}", "1:"},
    };
    for (const auto& [text, start] : rows) {
        CAPTURE_BOUND(text);
        const auto said = problems_of(parse_json_document(text));
        CHECK(said.starts_with(start));
        CHECK(said.find("topsecret") == std::string::npos);
        CHECK(said.find("syntax error") != std::string::npos);
    }
    CHECK(problems_of(parse_json_document("{\"a\": 1,\n \"b\": {\"c\": 1, \"c\": 2}, \"a\": 3}")) ==
          "2:16: the key \"c\" stands twice in one object\n2:25: the key \"a\" stands twice in one object\n");
}

TEST_CASE("plain scalars mean what the core schema of YAML 1.2 says") {
    for (const std::string text : {"true", "True", "TRUE"}) CHECK(as_boolean(text) == true);
    for (const std::string text : {"false", "False", "FALSE"}) CHECK(as_boolean(text) == false);
    for (const std::string text : {"yes", "no", "on", "off", "y", "n", "tRUE", "1", ""}) CHECK_FALSE(as_boolean(text));
    const std::vector<std::pair<std::string, std::int64_t>> integers{
        {"0", 0},     {"-0", 0},     {"42", 42},
        {"+42", 42},  {"-42", -42},  {"0777", 777},
        {"0o17", 15}, {"0xfF", 255}, {"9223372036854775807", 9223372036854775807}};
    for (const auto& [text, number] : integers) {
        CAPTURE_BOUND(text);
        CHECK(as_integer(text) == number);
    }
    for (const std::string text : {"", "+", "-", "1.0", "1e3", "0x", "0o8", "0x-1", "+-1", "--1", "1 ", "22:22",
                                   "1_000", "9223372036854775808"}) {
        CAPTURE(text);
        CHECK_FALSE(as_integer(text));
    }
    CHECK(as_number("1.5") == 1.5);
    CHECK(as_number("+1e3") == 1000);
    CHECK(as_number("-.5") == -0.5);
    for (const std::string text : {"", ".", "1.2.3", "nan", "inf", ".inf", "1e999", "0x10", "1,5", "+-1"}) {
        CAPTURE(text);
        CHECK_FALSE(as_number(text));
    }
    for (const std::string text : {"a", "n1", "22:22", "2026-01-01", "1.2.3", "yes", "-", "0x"})
        CHECK(is_plain_text(text));
    for (const std::string text : {"", "~", "null", "true", "1", "1.5", ".nan", "-.inf"})
        CHECK_FALSE(is_plain_text(text));
}

TEST_CASE("JSON with a number too large, or with more after a NUL byte, is refused") {
    CHECK(problems_of(parse_json_document("{\"a\": 1e999}")) == "0:0: a number is too large\n");
    CHECK(problems_of(parse_json_document(std::string_view("{\n\"a\": 1}\0 more", 15))) == "2:8: a NUL byte\n");
}
