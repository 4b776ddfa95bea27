#include "common/spec/write.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/spec/seal.hpp"
#include "tests/unit/common/spec/specs.hpp"

using namespace pgedge;

namespace {

DatabaseSpec sealed_full_spec() {
    DatabaseSpec spec = load_body(full_body()).spec;
    seal_secrets("storefront", spec, [](const std::string& name, const Secret&) {
        return SecretRef{name, "0123456789abcdef"};
    });
    return spec;
}

}  // namespace

TEST_CASE("a spec with every field comes back from the store exactly as it was") {
    const DatabaseSpec spec = sealed_full_spec();

    const Json stored = parse_json(to_text(to_stored_json(spec)));

    CHECK(spec_from_stored(stored) == spec);
    CHECK(to_stored_json(spec_from_stored(stored)) == stored);
}

TEST_CASE("a small spec comes back from the store exactly as it was") {
    DatabaseSpec spec = load_body(small_body()).spec;
    spec.database_users[0].password = SecretValue();

    CHECK(spec_from_stored(to_stored_json(spec)) == spec);
}

TEST_CASE("a secret's text cannot be stored") {
    const DatabaseSpec spec = load_body(small_body()).spec;
    CHECK_THROWS_WITH_AS(to_stored_json(spec), "the text of the secret password was about to be stored", Error);

    DatabaseSpec full = load_body(full_body()).spec;
    full.database_users.clear();
    full.backup_config.reset();
    full.restore_config.reset();
    full.nodes.resize(1);
    CHECK_THROWS_AS(to_stored_json(full), Error);  // those of the services are left
}

TEST_CASE("what is shown is what was given, without secrets") {
    Json wanted = full_body().at("spec");
    Json shown = to_shown_json(load_body(full_body()).spec);

    const auto drop = [&](const char* pointer) {
        wanted[Json::json_pointer(pointer).parent_pointer()].erase(Json::json_pointer(pointer).back());
    };
    drop("/database_users/0/password");
    drop("/nodes/2/restore_config/repository/azure_key");
    drop("/backup_config/repositories/0/s3_key");
    drop("/backup_config/repositories/0/s3_key_secret");
    drop("/backup_config/repositories/1/gcs_key");
    drop("/restore_config/repository/s3_key");
    drop("/services/0/config/anthropic_api_key");
    drop("/services/0/config/init_token");
    drop("/services/0/config/init_users");
    drop("/services/1/config/jwt_secret");
    drop("/services/2/config/pipelines/0/embedding_llm/api_key");
    drop("/services/2/config/pipelines/0/rag_llm/api_key");
    wanted["database_users"][1]["db_owner"] = false;  // always shown
    CHECK(Json::diff(wanted, shown).dump() == "[]");
    CHECK(to_shown_json(sealed_full_spec()).dump() == to_shown_json(load_body(full_body()).spec).dump());
}
