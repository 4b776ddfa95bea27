#include <chrono>
#include <random>
#include <set>

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/spec/load.hpp"
#include "common/spec/resolve.hpp"
#include "common/spec/write.hpp"
#include "tests/unit/common/spec/specs.hpp"

using namespace pgedge;

namespace {

const std::string kFile = R"(# a comment
apiVersion: pgedge/v1
kind: Database
id: &id storefront
labels: {team: "shop", who: 'it''s'}
spec:
  database_name: *id
  port: 5432
  postgresql_conf:
    log_line_prefix: "%m [%p] \u00e9"
    search_path: >-
      a,
      b
  scripts: {post_init: ["SELECT $$x$$", E]}
  database_users:
    - {username: admin, password: "env:X", db_owner: true, attributes: [LOGIN]}
  nodes:
    - {name: n1, host_ids: [host-1]}
    - name: n2
      host_ids:
        - host-2
---
spec: {database_name: d, nodes: [{name: n1, host_ids: [h]}]}
)";

/// Whatever comes in: no crash, no exception, and either a spec that can be shown or a problem with a text.
void feed(const std::string& text, const std::string& name) {
    const Loaded loaded = load_text(text, name, "/nowhere");
    for (const auto& problem : loaded.problems) {
        const bool is_whole = problem.more > 0 || (!problem.text.empty() && problem.file == name && problem.line >= 0);
        if (!is_whole) FAIL_CHECK(to_line(problem));
    }
    CHECK((!loaded.problems.empty() || !loaded.databases.empty()));
    for (auto database : loaded.databases) {
        to_shown_json(database.document.spec);
        const std::string yaml = to_yaml(database.document);
        resolve_secrets(database.document.spec, {"/nowhere", [](const std::string&) { return std::nullopt; }, nullptr});
        if (!loaded.problems.empty() || !database.document.spec.services.empty()) continue;
        CHECK(load_text(yaml, "again.yaml", "/").problems.empty());
    }
}

std::string mutated(std::string text, std::mt19937& random) {
    const std::string kSpice = "{}[]:,-&*!|>'\"#%@` \t\n\\0159azAZ~?<=\xC3\xA9\x04\x80";
    const auto pick = [&](std::size_t below) { return below == 0 ? 0 : static_cast<std::size_t>(random() % below); };
    for (std::size_t i = 0, count = 1 + pick(8); i < count; ++i) {
        const auto at = pick(text.size());
        switch (pick(5)) {
            case 0: text.erase(at, 1 + pick(10)); break;
            case 1: text.insert(at, 1, kSpice[pick(kSpice.size())]); break;
            case 2:
                if (!text.empty()) text[at] = kSpice[pick(kSpice.size())];
                break;
            case 3: text.insert(at, text.substr(pick(text.size()), pick(60))); break;
            default:
                if (!text.empty()) std::swap(text[at], text[pick(text.size())]);
        }
    }
    return text;
}

}  // namespace

TEST_CASE("a file that ends anywhere is read or refused") {
    const std::string json = to_text(full_body());
    for (std::size_t size = 0; size <= kFile.size(); size += 3) feed(kFile.substr(0, size), "cut.yaml");
    for (std::size_t size = 0; size <= json.size(); size += 31) feed(json.substr(0, size), "cut.json");
}

TEST_CASE("a file with changes at random is read or refused") {
    const std::string json = full_body().dump(1);
    std::mt19937 random(20261121);  // the same every time, so that a failure can be looked at
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (int i = 0; i < 400 && std::chrono::steady_clock::now() < until; ++i) {
        feed(mutated(kFile, random), "changed.yaml");
        feed(mutated(json, random), i % 2 == 0 ? "changed.json" : "changed.yaml");
    }
}

TEST_CASE("bytes at random are refused") {
    std::mt19937 random(1);
    for (int i = 0; i < 300; ++i) {
        std::string bytes(random() % 200 + 1, ' ');
        for (auto& byte : bytes) byte = static_cast<char>(random());
        feed("\x01" + bytes, "noise.yaml");
        feed("\x01" + bytes, "noise.json");
    }
}

TEST_CASE("a body with a value of any type anywhere is taken or refused") {
    const std::vector<Json> values{nullptr,
                                   true,
                                   0,
                                   -1,
                                   1.5,
                                   1e300,
                                   "",
                                   "x",
                                   std::string(3000, 'y'),
                                   std::string("a\0b", 3),
                                   "\xff",
                                   Json::array(),
                                   Json::array({nullptr}),
                                   Json::array({Json::object()}),
                                   Json::object(),
                                   {{"secret", "a"}, {"fingerprint", "b"}}};
    std::set<std::string> pointers;
    const Json flat = full_body().flatten();
    for (const auto& [pointer, old] : flat.items())
        // Also the objects and lists around each value.
        for (Json::json_pointer at(pointer); !at.empty(); at = at.parent_pointer()) pointers.insert(at.to_string());
    std::size_t refused = 0, taken = 0;
    for (const auto& pointer : pointers) {
        for (const auto& value : values) {
            Json body = full_body();
            body[Json::json_pointer(pointer)] = value;
            try {
                to_shown_json(load_body(body).spec);
                ++taken;
            } catch (const Error& error) {
                CHECK(error.kind() == ErrorKind::invalid_input);
                ++refused;
            }
        }
    }
    CHECK(refused > 1000);
    CHECK(taken > 100);
}

TEST_CASE("large files of any kind of nonsense are read or refused") {
    const auto repeated = [](const std::string& text) {
        std::string all;
        while (all.size() + text.size() < kMaxSpecFile) all += text;
        return all;
    };
    for (const std::string piece : {"a: ",
                                    "- ",
                                    "{",
                                    "[",
                                    "'",
                                    "\"",
                                    "? ",
                                    "&a ",
                                    "a: &a [*a]\n",
                                    "---\n",
                                    "\n",
                                    "#",
                                    "x",
                                    "a:\n ",
                                    "[a,",
                                    "{a: ",
                                    "!",
                                    "|\n",
                                    "\\",
                                    "%a\n",
                                    "k: v\n",
                                    "- {name: n1, host_ids: [h]}\n"})
        feed(repeated(piece), "large.yaml");
    for (const std::string piece : {"{\"a\":", "[", "1,", "\"", "[1],", "{\"a\":1},"})
        feed(repeated(piece), "large.json");
    std::string hosts = "spec: {database_name: d, nodes: [{name: n1, host_ids: [";
    for (int i = 0; i < 40'000; ++i) hosts += "h" + std::to_string(i) + ", ";
    feed(hosts + "]}]}", "hosts.yaml");
}
