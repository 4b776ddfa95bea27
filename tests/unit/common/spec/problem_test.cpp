#include "common/spec/problem.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/spec/load.hpp"
#include "tests/unit/common/spec/specs.hpp"

using namespace pgedge;

namespace {

std::string refusal(const Json& body) {
    try {
        load_body(body);
    } catch (const Error& error) {
        return error.text();
    }
    return "";
}

Json with_unknown_keys(Json object, int count) {
    for (int i = 0; i < count; ++i) object["k" + std::to_string(i)] = 1;
    return object;
}

}  // namespace

TEST_CASE("a list of problems holds a hundred and counts the rest") {
    std::vector<Problem> problems;
    for (int i = 0; i < 250; ++i) add_problem(problems, {.path = "p" + std::to_string(i), .text = "is wrong"});
    REQUIRE(problems.size() == kMaxProblems + 1);
    CHECK(problems.back().more == 150);
    CHECK(to_line(problems.back()) == "and 150 more problems");

    std::vector<Problem> two = problems;  // one list behind the other
    two.insert(two.end(), problems.begin(), problems.end());
    limit_problems(two);
    REQUIRE(two.size() == kMaxProblems + 1);
    CHECK(two.back().more == 400);

    std::vector<Problem> few(problems.begin(), problems.begin() + kMaxProblems);
    limit_problems(few);
    CHECK(few.size() == kMaxProblems);
    CHECK(more_text(1) == "and 1 more problem");
    CHECK(more_in("and 1 more problem") == 1);
    CHECK(more_in("and 17 more problems") == 17);
    for (const char* other : {"and 17 more problem", "and x more problems", "spec.nodes: and 1 more problem", ""})
        CHECK(more_in(other) == 0);
}

TEST_CASE("a body with ninety thousand unknown keys is refused in a few lines") {
    const std::string text = refusal(with_unknown_keys(small_body(), 90'000));
    CHECK(split(text, '\n').size() == kMaxProblems + 1);
    CHECK(text.ends_with("and 89900 more problems"));
    CHECK(text.size() < 100'000);
}

TEST_CASE("the limit holds wherever the problems are") {
    const auto lines = [](const Json& body) { return split(refusal(body), '\n').size(); };
    Json nested = small_body();
    nested["spec"]["nodes"][0] = with_unknown_keys(nested["spec"]["nodes"][0], 5'000);
    CHECK(lines(nested) == kMaxProblems + 1);

    Json users = small_body();
    for (int i = 0; i < 3'000; ++i) users["spec"]["database_users"].push_back({{"username", 7}});
    CHECK(lines(users) == kMaxProblems + 1);

    Json settings = small_body();
    for (int i = 0; i < 3'000; ++i)
        settings["spec"]["postgresql_conf"]["no such setting " + std::to_string(i)] = Json::array();
    CHECK(lines(settings) == kMaxProblems + 1);

    Json ports = small_body();
    for (int i = 0; i < 3'000; ++i)
        ports["spec"]["database_users"].push_back({{"username", "same"}, {"db_owner", true}});
    CHECK(lines(ports) <= kMaxProblems + 1);

    Json long_names = small_body();
    for (int i = 0; i < 90; ++i) long_names[std::string(9'000, 'k') + std::to_string(i)] = 1;
    CHECK(refusal(long_names).size() < 100'000);
}

TEST_CASE("files that hold more mistakes than anybody reads are told in order, with the rest counted last") {
    std::string text = "id: a\nspec:\n  database_name: a\n  nodes: [{name: n1, host_ids: [h]}]\n";
    for (int i = 0; i < 400; ++i) text += "  wrong" + std::to_string(i) + ": 1\n";
    const Loaded loaded = load_text(text, "a.yaml", ".");
    REQUIRE(loaded.problems.size() == kMaxProblems + 1);
    CHECK(loaded.problems.front().line == 5);
    CHECK(loaded.problems.back().more == 300);
}
