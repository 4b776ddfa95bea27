/// Our OpenAPI document against what clients of the pgEdge Control Plane API rely on
/// (data/control_plane_contract.json).
#include <algorithm>
#include <cctype>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/api/control_plane/api_route.hpp"
#include "agent/api/control_plane/openapi.hpp"
#include "common/base/file.hpp"
#include "tests/capture_bound.hpp"
#include "tests/contract/openapi_check.hpp"

using namespace pgedge;

namespace {

const std::string kSource = PGEDGE_SOURCE_DIR;

Json contract() { return Json::parse(read_file(kSource + "/tests/contract/data/control_plane_contract.json")); }
Json ours() { return Json::parse(to_text(openapi_document())); }

enum class Side {
    answer,   ///< we write it: all that is promised must be there, and no word that clients do not know
    request,  ///< they write it: all that they may send must be known, and nothing more be required
};

std::set<std::string> words(const Json& list) { return list.get<std::set<std::string>>(); }

/// Compares a schema of the contract with ours, all the way down.
class Comparison {
public:
    Comparison(const Json& contract, const OpenApiCheck& ours, Side side)
        : contract_(contract), ours_(ours), side_(side) {}

    void compare(const Json& written, const Json& our_schema, const std::string& at) {
        const Json& theirs = followed(written);
        const Json& mine = unwrapped(our_schema);
        if (mine.contains("anyOf") || mine.contains("oneOf")) return;  // wider than the contract: checked by requests
        compare_types(theirs, mine, at);
        compare_words(theirs, mine, at);
        if (theirs.contains("items")) {
            if (mine.contains("items"))
                compare(theirs["items"], mine["items"], at + "[*]");
            else
                fault(at, "no items");
        }
        if (theirs.contains("values") && !mine.contains("additionalProperties")) fault(at, "is no map");
        compare_fields(theirs, mine, at);
    }

    std::vector<std::string> faults;

private:
    void fault(const std::string& at, const std::string& text) { faults.push_back(at + ": " + text); }

    const Json& followed(const Json& schema) const {
        return schema.contains("ref") ? contract_.at("schemas").at(schema["ref"].get<std::string>()) : schema;
    }

    /// A reference with a remark is written as {"allOf": [reference], "description": …}.
    const Json& unwrapped(const Json& schema) const {
        const Json& found = ours_.resolved(schema);
        return found.contains("allOf") && found["allOf"].size() == 1 ? unwrapped(found["allOf"][0]) : found;
    }

    void compare_types(const Json& theirs, const Json& mine, const std::string& at) {
        if (!theirs.contains("type") || !mine.contains("type")) return;
        const bool fits = mine["type"].is_array() ? std::find(mine["type"].begin(), mine["type"].end(),
                                                              theirs["type"]) != mine["type"].end()
                                                  : mine["type"] == theirs["type"];
        if (!fits) fault(at, fmt::format("type {}, ours {}", theirs["type"].dump(), mine["type"].dump()));
    }

    void compare_words(const Json& theirs, const Json& mine, const std::string& at) {
        if (!theirs.contains("enum")) return;
        if (!mine.contains("enum")) {
            if (side_ == Side::answer) fault(at, "no enum");
            return;
        }
        const auto their_words = words(theirs["enum"]), my_words = words(mine["enum"]);
        const auto& smaller = side_ == Side::answer ? my_words : their_words;
        const auto& larger = side_ == Side::answer ? their_words : my_words;
        for (const auto& word : smaller)
            if (!larger.contains(word)) fault(at, "the word '" + word + "'");
    }

    void compare_fields(const Json& theirs, const Json& mine, const std::string& at) {
        const auto their_required = words(theirs.value("required", Json::array()));
        const auto my_required = words(mine.value("required", Json::array()));
        const auto& promised = side_ == Side::answer ? their_required : my_required;
        const auto& given = side_ == Side::answer ? my_required : their_required;
        for (const auto& name : promised)
            if (!given.contains(name)) fault(at, "required: " + name);
        const Json fields = theirs.value("properties", Json::object());
        for (const auto& [name, schema] : fields.items()) {
            if (mine.contains("properties") && mine["properties"].contains(name)) {
                if (visited_.insert(at + "." + name).second) compare(schema, mine["properties"][name], at + "." + name);
            } else {
                fault(at, "no field " + name);
            }
        }
    }

    const Json& contract_;
    const OpenApiCheck& ours_;
    Side side_;
    std::set<std::string> visited_;
};

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

void report(const std::vector<std::string>& faults) {
    for (const auto& fault : faults) FAIL_CHECK(fault);
}

}  // namespace

TEST_CASE("our document has every operation of the contract, with its id, parameters and statuses") {
    const Json document = ours();
    const Json theirs = contract();
    REQUIRE(theirs["operations"].size() == 29);
    for (const auto& operation : theirs["operations"]) {
        const std::string name = operation["id"];
        CAPTURE(name);
        const Json& paths = document["paths"];
        const std::string path = operation["path"], method = lower(operation["method"]);
        REQUIRE(paths.contains(path));
        REQUIRE(paths[path].contains(method));
        const Json& mine = paths[path][method];
        CHECK(mine["operationId"] == name);
        for (const auto& status : operation["statuses"]) {
            CAPTURE(status);
            CHECK(mine["responses"].contains(status.get<std::string>()));
        }
        for (const auto& parameter : operation["parameters"]) {
            CAPTURE(parameter);
            const Json list = mine.value("parameters", Json::array());
            const auto found = std::find_if(list.begin(), list.end(), [&](const Json& one) {
                return one["name"] == parameter["name"] && one["in"] == parameter["in"];
            });
            REQUIRE(found != list.end());
            CHECK((*found)["schema"]["type"] == parameter["type"]);
            if (parameter.contains("enum")) CHECK((*found)["schema"]["enum"] == parameter["enum"]);
        }
    }
}

TEST_CASE("our answers promise every field that the contract requires, and no word it does not know") {
    const Json document = ours();
    const Json theirs = contract();
    const OpenApiCheck check(document);
    for (const auto& operation : theirs["operations"]) {
        if (!operation.contains("answer")) continue;
        const Json& mine = document["paths"][operation["path"].get<std::string>()][lower(operation["method"])];
        const Json& schema = mine["responses"]["200"]["content"]["application/json"]["schema"];
        Comparison comparison(theirs, check, Side::answer);
        comparison.compare(operation["answer"], schema, operation["id"]);
        report(comparison.faults);
    }
}

TEST_CASE("our requests take every field of the contract and require no more") {
    const Json document = ours();
    const Json theirs = contract();
    const OpenApiCheck check(document);
    for (const auto& operation : theirs["operations"]) {
        if (!operation.contains("request")) continue;
        const Json& mine = document["paths"][operation["path"].get<std::string>()][lower(operation["method"])];
        const Json& schema = mine["requestBody"]["content"]["application/json"]["schema"];
        Comparison comparison(theirs, check, Side::request);
        comparison.compare(operation["request"], schema, operation["id"]);
        report(comparison.faults);
    }
}

TEST_CASE("every reference in our document leads somewhere, and every operation id stands once") {
    const Json document = ours();
    const OpenApiCheck check(document);
    const Json flat = document.flatten();
    for (const auto& [place, value] : flat.items()) {
        if (!place.ends_with("/$ref")) continue;
        CAPTURE_BOUND(place);
        CHECK_NOTHROW((void)check.resolved(Json{{"$ref", value}}));
    }
    std::set<std::string> ids;
    for (const auto& route : control_plane_routes()) CHECK(ids.insert(route.id).second);
}

TEST_CASE("only what is no secret may be called by anyone, and who belongs to the cluster is changed by admins") {
    std::set<std::string> open, admins;
    for (const auto& route : control_plane_routes()) {
        CAPTURE(route.id);
        if (route.role == Role::anyone) open.insert(route.id);
        if (route.role == Role::admin) admins.insert(route.id);
        CHECK(route.role != Role::agent);
        CHECK_FALSE((route.role == Role::read && route.method != "GET" && route.id != "plan-database"));
    }
    CHECK(open == std::set<std::string>{"get-root", "get-version", "get-openapi", "get-spec-schema"});
    CHECK(admins == std::set<std::string>{"init-cluster", "join-cluster", "get-join-token", "remove-host"});
}

TEST_CASE("schemas/openapi.json is the document that the agent serves") {
    const std::string checked_in = read_file(kSource + "/schemas/openapi.json");
    const bool same = checked_in == openapi_document().dump(2) + "\n";
    CHECK_MESSAGE(same, "run: build/debug/bin/print_openapi > schemas/openapi.json");
}
