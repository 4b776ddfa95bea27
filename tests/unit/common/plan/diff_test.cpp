#include "common/plan/diff.hpp"

#include <doctest/doctest.h>

using namespace pgedge;

namespace {

std::string words(const char* before, const char* after) {
    return in_words(differences(Json::parse(before), Json::parse(after)), 100);
}

}  // namespace

TEST_CASE("differences are told in words") {
    CHECK(words("{}", "{}") == "");
    CHECK(words(R"({"settings":{"max_connections":"100"}})", R"({"settings":{"max_connections":"500"}})") ==
          "max_connections 100 -> 500");
    CHECK(words(R"({"settings":{}})", R"({"settings":{"work_mem":"64MB"}})") == "work_mem set to 64MB");
    CHECK(words(R"({"settings":{"work_mem":"64MB"}})", R"({"settings":{}})") == "work_mem removed (was 64MB)");
    CHECK(words(R"({"port":5432,"published":true})", R"({"port":6432,"published":false})") ==
          "port 5432 -> 6432, published true -> false");
    CHECK(words(R"({"owner":null})", R"({"owner":"admin"})") == "owner set to admin");
    CHECK(words(R"({"a":""})", R"({"a":"x"})") == "a \"\" -> x");
    CHECK(words(R"({"a":1})", R"({"a":{"b":1}})") == R"(a 1 -> {"b":1})");
}

TEST_CASE("the same change in two places is told once") {
    CHECK(words(R"({"port":1,"restart_settings":{"port":"1"}})", R"({"port":2,"restart_settings":{"port":"2"}})") ==
          "port 1 -> 2");
}

TEST_CASE("null and absent are the same to people") {
    CHECK(words(R"({"primary":null})", "{}") == "");
    CHECK(words(R"({"primary":null})", R"({"primary":{"port":1}})") == R"(primary set to {"port":1})");
}

TEST_CASE("lists tell what came and what went") {
    CHECK(words(R"({"hba":["a"]})", R"({"hba":["b","a"]})") == "hba gains b");
    CHECK(words(R"({"hba":["a","b"]})", R"({"hba":["b"]})") == "hba loses a");
    CHECK(words(R"({"hba":["a","b"]})", R"({"hba":["b","a"]})") == "hba changed");
    CHECK(words(R"({"hba":["a"]})", R"({"hba":["a","a"]})") == "hba changed");
}

TEST_CASE("lists of objects are matched by name") {
    CHECK(words(R"({"users":[{"username":"a","roles":[]}]})",
                R"({"users":[{"username":"b"},{"username":"a","roles":["r"]}]})") ==
          "users[a].roles gains r, users gains b");
    CHECK(words(R"({"users":[]})", R"({"users":[{"username":"b","password":"x"}]})") == "users gains b");
    CHECK(words(R"({"users":[{"username":"b"}]})", R"({"users":[]})") == "users loses b");
}

TEST_CASE("secrets are never told") {
    const std::string changed = words(R"({"users":[{"username":"a","password":{"secret":"s","fingerprint":"f1"}}]})",
                                      R"({"users":[{"username":"a","password":{"secret":"s","fingerprint":"f2"}}]})");
    CHECK(changed == "users[a].password changed");
    CHECK(words(R"({"password":null})", R"({"password":"hunter2"})") == "password set to (secret)");
    CHECK(words(R"({"s3_key":"hunter1"})", R"({"s3_key":"hunter2"})") == "s3_key changed");
    CHECK(words(R"({"a":"host=x password=hunter1"})", R"({"a":"host=y password = 'hunter2'"})") == "a changed");
    CHECK(words(R"({"a":["ALTER ROLE x PASSWORD 'hunter2'"]})", R"({"a":[]})") == "a loses (secret)");
    CHECK(words(R"({"hba":[]})", R"({"hba":["host all all ::/0 password"]})") ==
          "hba gains host all all ::/0 password");
    CHECK(words(R"({"settings":{"password_encryption":"md5"}})",
                R"({"settings":{"password_encryption":"scram-sha-256"}})") ==
          "password_encryption md5 -> scram-sha-256");
}

TEST_CASE("long values and long lists of changes are cut") {
    const std::string text = in_words(differences(Json{{"a", ""}}, Json{{"a", std::string(500, 'x')}}));
    CHECK(text.size() < 100);
    CHECK(in_words(differences(Json::parse(R"({"a":1,"b":1,"c":1})"), Json::parse(R"({"a":2,"b":2,"c":2})")), 2) ==
          "a 1 -> 2, b 1 -> 2, and 1 more");
}
