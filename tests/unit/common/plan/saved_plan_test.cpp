#include "common/plan/saved_plan.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "tests/unit/common/plan/plan_text.hpp"

using namespace pgedge;
using namespace pgedge::plan_text;

namespace {

SavedPlan a_saved_plan() {
    SavedPlan saved;
    saved.tool_version = "v0.10.0";
    saved.cluster_id = "c-1";
    saved.author = "ada@laptop";
    saved.created_at = parse_rfc3339("2026-11-21T10:00:00.123Z");
    saved.inputs_digest = "ab12";
    SavedOperation object;
    object.operation = "create";
    object.kind = "Database";
    object.id = "storefront";
    object.document = {{"spec", {{"database_users", {{{"username", "admin"}, {"password", "env:ADMIN_PASSWORD"}}}}}}};
    object.base_revision = 7;
    object.digest = "cd34";
    object.plan = make_plan({}, {state("a@h1\nb@h1 needs a")});
    object.warnings = {"pglogical replicates DDL by a queue"};
    saved.objects.push_back(object);
    return saved;
}

std::string error_of_document(const std::string& document) {
    try {
        read_saved_plan(document);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::invalid_input);
        return error.text();
    }
    return "no error";
}

std::string changed(const std::string& pointer, const Json& value) {
    Json json = parse_json(to_document(a_saved_plan()));
    json[Json::json_pointer(pointer)] = value;
    return error_of_document(json.dump());
}

}  // namespace

TEST_CASE("a saved plan comes back as it was") {
    const SavedPlan saved = a_saved_plan();
    CHECK(read_saved_plan(to_document(saved)) == saved);
    CHECK(saved.changes());
}

TEST_CASE("a saved plan that was forced or is without a lost host stays so, and says nothing of it when it was not") {
    SavedPlan saved = a_saved_plan();
    CHECK(to_document(saved).find("force_update") == std::string::npos);
    CHECK(to_document(saved).find("remove_hosts") == std::string::npos);

    saved.objects[0].force_update = true;
    saved.objects[0].remove_hosts = {"host-3"};

    CHECK(read_saved_plan(to_document(saved)) == saved);
    CHECK(changed("/objects/0/force_update", "yes") == "plan.objects[0].force_update: true or false is expected");
}

TEST_CASE("a saved plan says first what it is") {
    CHECK(to_document(a_saved_plan())
              .starts_with("{\n  \"format\": \"pgedge-plan/1\",\n  \"tool_version\": \"v0.10.0\",\n"));
}

TEST_CASE("a saved plan without steps has no changes") {
    SavedPlan saved = a_saved_plan();
    saved.objects[0].plan = {};
    CHECK_FALSE(saved.changes());
    CHECK_FALSE(read_saved_plan(to_document(saved)).changes());
}

TEST_CASE("a secret in clear is refused, written and read, and not repeated in the error") {
    SavedPlan saved = a_saved_plan();
    saved.objects[0].document["spec"]["database_users"][0]["password"] = "hunter2";
    CHECK_THROWS_WITH_AS(
        to_document(saved),
        "Database storefront.spec.database_users[0].password: a secret in clear may not stand in a saved plan", Error);
    CHECK(changed("/objects/0/document/spec/database_users/0/password", "hunter2") ==
          "plan.objects[0].document.spec.database_users[0].password: a secret in clear may not stand in a saved plan");
    CHECK(changed("/objects/0/document/spec/repository", Json{{"s3_key", 5}}) ==
          "plan.objects[0].document.spec.repository.s3_key: a secret in clear may not stand in a saved plan");
}

TEST_CASE("every kind of reference may stand in a saved plan") {
    for (const char* reference : {"env:X", "file:/run/secrets/x", "generate:32", "keep"}) {
        SavedPlan saved = a_saved_plan();
        saved.objects[0].document["spec"]["database_users"][0]["password"] = reference;
        CHECK(read_saved_plan(to_document(saved)) == saved);
    }
}

TEST_CASE("what is no saved plan is refused with the place") {
    CHECK(error_of_document("").find("line 1, column 1") != std::string::npos);
    CHECK(error_of_document("[]") == "plan: an object is expected");
    CHECK(error_of_document("{}") == "plan.format is missing");
    CHECK(changed("/format", "pgedge-plan/2") ==
          "plan.format: this is \"pgedge-plan/2\", and this program reads \"pgedge-plan/1\"");
    CHECK(changed("/extra", 1) == "plan.extra is not known");
    CHECK(changed("/created_at", "yesterday").find("plan.created_at") != std::string::npos);
    CHECK(changed("/changes", false) == "plan.changes does not agree with the steps: the file was changed by hand");
    CHECK(changed("/objects/0/operation", "destroy") ==
          "plan.objects[0].operation: \"destroy\" is not create, update or delete");
    CHECK(changed("/objects/0/base_revision", 1.5) == "plan.objects[0].base_revision: a whole number is expected");
    CHECK(changed("/objects/0/base_revision", 18446744073709551615U) ==
          "plan.objects[0].base_revision: the number is too large");
    CHECK(changed("/objects/0/plan/steps/0/action", 3) == "plan.objects[0].plan.steps[0].action: a text is expected");
    CHECK(changed("/objects/1", parse_json(to_document(a_saved_plan()))["objects"][0]) ==
          "plan.objects[1]: Database storefront stands twice in the plan");
}
