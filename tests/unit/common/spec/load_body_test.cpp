#include <functional>

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "tests/capture_bound.hpp"
#include "tests/unit/common/spec/specs.hpp"

using namespace pgedge;

namespace {

/// "name | message" of the error that `body` is refused with; "" when it is taken.
std::string refusal(const Json& body) {
    try {
        load_body(body);
        return "";
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::invalid_input);
        CHECK(error.http_status() == 400);
        return std::string(error.name()) + " | " + error.text();
    }
}

/// small_body() with the value at `pointer` replaced or added; null removes it.
Json with(const char* pointer, const Json& value, Json body = small_body()) {
    const Json::json_pointer at(pointer);
    if (value.is_null())
        body[at.parent_pointer()].erase(at.back());
    else
        body[at] = value;
    return body;
}

struct Row {
    const char* pointer;
    Json value;
    std::string refusal;  ///< empty: taken
};

void check_rows(const std::vector<Row>& rows, const Json& body = small_body()) {
    for (const auto& row : rows) {
        CAPTURE(std::string(row.pointer));
        CAPTURE(shortened(to_text(row.value), 200));
        CHECK(refusal(with(row.pointer, row.value, body)) == row.refusal);
    }
}

}  // namespace

TEST_CASE("bodies that use few fields and all fields are taken") {
    CHECK(refusal(small_body()) == "");
    CHECK(refusal(full_body()) == "");
    CHECK(refusal({{"spec", {{"database_name", "d"}, {"nodes", {{{"name", "n1"}, {"host_ids", {"h"}}}}}}}}) == "");
}

TEST_CASE("every field of the full body arrives in the spec") {
    const DatabaseDocument document = load_body(full_body());
    CHECK(document.id == "storefront");
    CHECK(document.tenant_id == "acme");
    const auto& spec = document.spec;
    CHECK(spec.patroni_port == 8008);
    CHECK(spec.spock_version == "5");
    CHECK(spec.cpus == "500m");
    CHECK(spec.memory == "512MiB");
    CHECK(spec.nodes[0].patroni_port == 0);
    CHECK(spec.nodes[0].orchestrator_opts->extra_volumes[0].host_path == "/mnt/b");
    CHECK(spec.nodes[1].source_node == "n1");
    CHECK(spec.nodes[2].restore_config->repository.azure_key.given()->reveal() == "azure-key-text");
    CHECK(spec.database_users[0].password.given()->reveal() == "admin-password-text");
    CHECK(spec.database_users[1].password.absent());
    CHECK(spec.postgresql_conf == Settings{{"jit", "false"},
                                           {"log_min_messages", "info"},
                                           {"max_connections", "5000"},
                                           {"random_page_cost", "1.5"}});
    CHECK(spec.backup_config->repositories[0].retention_full == 14);
    CHECK(spec.backup_config->repositories[0].custom_options == Settings{{"s3-kms-key-id", "1234"}});
    CHECK(spec.restore_config->restore_options.at("target") == "2026-05-05 09:38:52-04");
    CHECK(spec.orchestrator_opts->extra_networks[0].driver_opts == Settings{{"a", "b"}});
    CHECK(spec.scripts.post_init == std::vector<std::string>{"CREATE ROLE reporting"});
    CHECK(spec.services[0].target_nodes == std::vector<std::string>{"n2", "n1"});
    CHECK(spec.services[0].config.at("llm_temperature") == 0.7);
    CHECK(spec.services[2].config.at("pipelines")[0].at("search").at("vector_weight") == 0.5);
}

TEST_CASE("missing fields, wrong types and unknown fields of a body have the names of the API's decoder") {
    check_rows({
        {"/spec", nullptr, "missing_field | spec: is required"},
        {"/spec", 5, "invalid_field_type | spec: must be an object, not a number"},
        {"/spec", Json::array(), "invalid_field_type | spec: must be an object, not a list"},
        {"/spec/database_name", nullptr, "missing_field | database_name: is required"},
        {"/spec/nodes", nullptr, "missing_field | nodes: is required"},
        {"/spec/nodes", Json::object(), "invalid_field_type | nodes: must be a list, not an object"},
        {"/spec/nodes", Json::array(), "invalid_length | nodes: must have between 1 and 9 items"},
        {"/spec/nodes/0", "n1", "invalid_field_type | nodes[0]: must be an object, not a text"},
        {"/spec/nodes/0/name", nullptr, "missing_field | nodes[0].name: is required"},
        {"/spec/nodes/1/host_ids", nullptr, "missing_field | nodes[1].host_ids: is required"},
        {"/spec/nodes/1/host_ids", "host-2", "invalid_field_type | nodes[1].host_ids: must be a list, not a text"},
        {"/spec/nodes/1/host_ids", Json::array({7}),
         "invalid_field_type | nodes[1].host_ids[0]: must be a text, not a number (write it in quotes)"},
        {"/spec/nodes/1/host_ids", Json::array({nullptr}),
         "invalid_field_type | nodes[1].host_ids[0]: must be a text, not nothing"},
        {"/spec/database_name", 5,
         "invalid_field_type | database_name: must be a text, not a number (write it in quotes)"},
        {"/spec/database_name", true,
         "invalid_field_type | database_name: must be a text, not a boolean (write it in quotes)"},
        {"/spec/postgres_version", 17.1,
         "invalid_field_type | postgres_version: must be a text, not a number (write it in quotes)"},
        {"/spec/port", "5432",
         "invalid_field_type | port: must be a whole number, not a text (write it without quotes)"},
        {"/spec/port", 5432.5, "invalid_field_type | port: must be a whole number, not a number"},
        {"/spec/port", 1e30, "invalid_field_type | port: must be a whole number, not a number"},
        {"/spec/port", true, "invalid_field_type | port: must be a whole number, not a boolean"},
        {"/spec/database_users/0/db_owner", "true",
         "invalid_field_type | database_users[0].db_owner: must be a boolean, not a text (write true or false)"},
        {"/spec/database_users/0/db_owner", 1,
         "invalid_field_type | database_users[0].db_owner: must be a boolean, not a number (write true or false)"},
        {"/spec/database_users/0/username", nullptr, "missing_field | database_users[0].username: is required"},
        {"/spec/database_users/0/password", 12345,
         "invalid_field_type | database_users[0].password: must be a text, not a number (write it in quotes)"},
        {"/spec/database_users/0/password",
         {{"secret", "database/other/users/x/password"}, {"fingerprint", "0"}},
         "invalid_field_type | database_users[0].password: must be a text, not an object"},
        {"/spec/postgresql_conf", Json::array(), "invalid_field_type | postgresql_conf: must be an object, not a list"},
        {"/spec/postgresql_conf",
         {{"work_mem", Json::array()}},
         "invalid_field_type | postgresql_conf.work_mem: must be a text, a number or a boolean, not a list"},
        {"/spec/postgresql_conf",
         {{"work_mem", nullptr}},
         "invalid_field_type | postgresql_conf.work_mem: must be a text, a number or a boolean, not nothing"},
        {"/spec/postgresql_conf",
         {{"", "x"}},
         "invalid_format | postgresql_conf: a name here must have 1 to 256 characters and no control characters"},
        {"/spec/prot", 1, "invalid_input | prot: there is no field \"prot\" here (did you mean \"port\"?)"},
        {"/spec/nodes/0/hostids", Json::array(),
         "invalid_input | nodes[0].hostids: there is no field \"hostids\" here (did you mean \"host_ids\"?)"},
        {"/apiVersion", "pgedge/v1",
         "invalid_input | apiVersion: there is no field \"apiVersion\" here (fields here: id, tenant_id, spec)"},
        {"/spec/scripts",
         {{"post_int", Json::array()}},
         "invalid_input | scripts.post_int: there is no field \"post_int\" here (did you mean \"post_init\"?)"},
    });
    CHECK(refusal(Json::array()) == "invalid_field_type | must be an object, not a list");
    CHECK(refusal(nullptr) == "invalid_field_type | must be an object, not nothing");
    CHECK(refusal("x") == "invalid_field_type | must be an object, not a text");
}

TEST_CASE("null stands for a field that is left out") {
    for (const std::string pointer :
         {"/id", "/tenant_id", "/spec/port", "/spec/backup_config", "/spec/database_users", "/spec/scripts"}) {
        CAPTURE(pointer);
        Json body = small_body();
        body[Json::json_pointer(pointer)] = nullptr;
        CHECK(refusal(body) == "");
    }
    Json body = small_body();
    body["spec"]["nodes"][0]["name"] = nullptr;
    CHECK(refusal(body) == "missing_field | nodes[0].name: is required");
}

TEST_CASE("forms, lengths and bounds of a body's fields are checked") {
    const std::string identifier =
        "must be 1 to 36 lower-case letters, digits and single hyphens, with a letter or digit at both ends";
    const std::string version = "must be a version: 17.10, or 17 for the newest minor of it";
    const std::string cpus = "must be a number of CPUs, or thousandths: 0.5, 500m";
    check_rows({
        {"/id", "a", ""},
        {"/id", std::string(36, 'a'), ""},
        {"/id", "9a-b", ""},
        {"/id", std::string(37, 'a'), "invalid_length | id: must have between 1 and 36 characters"},
        {"/id", "", "invalid_length | id: must have between 1 and 36 characters"},
        {"/id", "Storefront", "invalid_input | id: " + identifier},
        {"/id", "a--b", "invalid_input | id: " + identifier},
        {"/id", "-a", "invalid_input | id: " + identifier},
        {"/id", "a-", "invalid_input | id: " + identifier},
        {"/id", "a_b", "invalid_input | id: " + identifier},
        {"/id", "../etc", "invalid_input | id: " + identifier},
        {"/tenant_id", "acme", ""},
        {"/tenant_id", "Acme", "invalid_input | tenant_id: " + identifier},
        {"/spec/database_name", "d", ""},
        {"/spec/database_name", std::string(31, 'd'), ""},
        {"/spec/database_name", "My Shop; DROP", ""},
        {"/spec/database_name", "", "invalid_length | database_name: must have between 1 and 31 characters"},
        {"/spec/database_name", std::string(32, 'd'),
         "invalid_length | database_name: must have between 1 and 31 characters"},
        {"/spec/database_name", std::string("a\0b", 3),
         "invalid_format | database_name: must not hold control characters"},
        {"/spec/database_name", "a\nb", "invalid_format | database_name: must not hold control characters"},
        {"/spec/database_name", "template1",
         "invalid_input | database_name: the name \"template1\" is reserved by PostgreSQL"},
        {"/spec/database_name", "ääääääääääääääääääääääääääääää1", ""},
        {"/spec/database_name", "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀", "invalid_input | database_name: must not be longer than 63 bytes"},
        {"/spec/postgres_version", "17.10", ""},
        {"/spec/postgres_version", "17", ""},
        {"/spec/postgres_version", "16.1", ""},
        {"/spec/postgres_version", "17.100", "invalid_pattern | postgres_version: " + version},
        {"/spec/postgres_version", "7.1", "invalid_pattern | postgres_version: " + version},
        {"/spec/postgres_version", "v17", "invalid_pattern | postgres_version: " + version},
        {"/spec/postgres_version", "", "invalid_pattern | postgres_version: " + version},
        {"/spec/spock_version", "5", ""},
        {"/spec/spock_version", "50", "invalid_pattern | spock_version: must be one digit: 5"},
        {"/spec/port", 0, ""},
        {"/spec/port", 65535, ""},
        {"/spec/port", 65536, "invalid_range | port: must be between 0 and 65535"},
        {"/spec/port", -1, "invalid_range | port: must be between 0 and 65535"},
        {"/spec/port", 9223372036854775807, "invalid_range | port: must be between 0 and 65535"},
        {"/spec/patroni_port", 70000, "invalid_range | patroni_port: must be between 0 and 65535"},
        {"/spec/cpus", "0.5", ""},
        {"/spec/cpus", "500m", ""},
        {"/spec/cpus", "1", ""},
        {"/spec/cpus", "0", "invalid_input | cpus: cannot be less than 1 millicpu"},
        {"/spec/cpus", "0m", "invalid_input | cpus: cannot be less than 1 millicpu"},
        {"/spec/cpus", "1.2345", "invalid_pattern | cpus: " + cpus},
        {"/spec/cpus", "lots", "invalid_pattern | cpus: " + cpus},
        {"/spec/cpus", "-1", "invalid_pattern | cpus: " + cpus},
        {"/spec/cpus", "1.5m", "invalid_pattern | cpus: " + cpus},
        {"/spec/memory", "4G", ""},
        {"/spec/memory", "512MiB", ""},
        {"/spec/memory", "1073741824", ""},
        {"/spec/memory", "lots",
         "invalid_input | memory: \"lots\" is not a size (write a number with a unit of SI or IEC: 4G, 512MiB)"},
        {"/spec/memory", "0", "invalid_input | memory: must be more than nothing"},
        {"/spec/memory", std::string(17, '1'), "invalid_length | memory: must have at most 16 characters"},
        {"/spec/nodes/0/name", "n10", ""},
        {"/spec/nodes/0/name", "node", "invalid_pattern | nodes[0].name: must be n and a number: n1, n2, …"},
        {"/spec/nodes/0/name", "xn1", "invalid_pattern | nodes[0].name: must be n and a number: n1, n2, …"},
        {"/spec/nodes/0/name", "n1;", "invalid_pattern | nodes[0].name: must be n and a number: n1, n2, …"},
        {"/spec/nodes/0/host_ids", Json::array(), "invalid_length | nodes[0].host_ids: must have at least 1 item"},
        {"/spec/nodes/0/host_ids", Json::array({"Host"}), "invalid_input | nodes[0].host_ids[0]: " + identifier},
        {"/spec/nodes/0/host_ids", Json::array({""}),
         "invalid_length | nodes[0].host_ids[0]: must have between 1 and 36 characters"},
        {"/spec/database_users/0/username", "",
         "invalid_length | database_users[0].username: must have at least 1 character"},
        {"/spec/database_users/0/username", "a\"; DROP ROLE b; --", ""},
        {"/spec/database_users/0/password", "",
         "invalid_length | database_users[0].password: must have at least 1 character"},
        {"/spec/database_users/0/password", "env:HOME", ""},
        {"/spec/database_users/0/password", std::string("a\0b", 3),
         "invalid_format | database_users[0].password: must not hold the character U+0000"},
        {"/spec/database_users/0/attributes", Json(std::vector<std::string>(17, "LOGIN")),
         "invalid_length | database_users[0].attributes: must have at most 16 items"},
        {"/spec/database_users/0/roles", Json(std::vector<std::string>(17, "a")),
         "invalid_length | database_users[0].roles: must have at most 16 items"},
        {"/spec/scripts",
         {{"post_init", {""}}},
         "invalid_length | scripts.post_init[0]: must have between 1 and 1024 characters"},
        {"/spec/scripts", {{"post_init", {"SELECT\n\t1"}}}, ""},
        {"/spec/scripts",
         {{"post_init", {std::string(1025, 'x')}}},
         "invalid_length | scripts.post_init[0]: must have between 1 and 1024 characters"},
        {"/spec/scripts", {{"post_database_create", std::vector<std::string>(256, "SELECT 1")}}, ""},
        {"/spec/scripts",
         {{"post_database_create", std::vector<std::string>(257, "SELECT 1")}},
         "invalid_length | scripts.post_database_create: must have at most 256 items"},
    });
    Json nodes = Json::array();
    for (int i = 1; i <= 10; ++i)
        nodes.push_back({{"name", "n" + std::to_string(i)}, {"host_ids", {"host-" + std::to_string(i)}}});
    CHECK(refusal(with("/spec/nodes", nodes)) == "invalid_length | nodes: must have between 1 and 9 items");
    nodes.erase(9);
    CHECK(refusal(with("/spec/nodes", nodes)) == "");
    Json users = Json::array();
    for (int i = 0; i < 17; ++i) users.push_back({{"username", "user" + std::to_string(i)}});
    CHECK(refusal(with("/spec/database_users", users)) ==
          "invalid_length | database_users: must have at most 16 items");
    Json settings = Json::object();
    for (int i = 0; i < 65; ++i) settings["x.setting" + std::to_string(i)] = i;
    CHECK(refusal(with("/spec/postgresql_conf", settings)) ==
          "invalid_length | postgresql_conf: must have at most 64 items");
    settings.erase("x.setting0");
    CHECK(refusal(with("/spec/postgresql_conf", settings)) == "");
}

TEST_CASE("bounds of backups, restores, runtime options and services are checked") {
    const Json body = full_body();
    const std::string repository = "backup_config.repositories[0].";
    const std::string main = "/spec/backup_config/repositories/0/";
    std::vector<std::pair<std::string, Json>> taken{
        {"retention_full", 1},  {"retention_full", 9999999},         {"retention_full_type", "time"},
        {"s3_bucket", "abc"},   {"s3_bucket", std::string(63, 'a')}, {"s3_region", "x"},
        {"s3_endpoint", "abc"}, {"s3_key", std::string(128, 'k')},   {"s3_key", ""}};
    for (const auto& [field, value] : taken) {
        CAPTURE_BOUND(field);
        CHECK(refusal(with((main + field).c_str(), value, body)) == "");
    }
    const std::vector<std::tuple<std::string, Json, std::string>> refused{
        {"retention_full", 0, "invalid_range | " + repository + "retention_full: must be between 1 and 9999999"},
        {"retention_full", 10000000, "invalid_range | " + repository + "retention_full: must be between 1 and 9999999"},
        {"retention_full_type", "days",
         "invalid_enum_value | " + repository + "retention_full_type: must be one of: time, count"},
        {"type", "s4",
         "invalid_enum_value | " + repository +
             "type: must be one of: s3, gcs, azure, posix, cifs (did you mean \"s3\"?)"},
        {"s3_bucket", "ab", "invalid_length | " + repository + "s3_bucket: must have between 3 and 63 characters"},
        {"s3_bucket", std::string(64, 'a'),
         "invalid_length | " + repository + "s3_bucket: must have between 3 and 63 characters"},
        {"s3_region", std::string(33, 'a'),
         "invalid_length | " + repository + "s3_region: must have between 1 and 32 characters"},
        {"s3_endpoint", "ab", "invalid_length | " + repository + "s3_endpoint: must have between 3 and 128 characters"},
        {"s3_key", std::string(129, 'k'),
         "invalid_length | " + repository + "s3_key: must have at most 128 characters"},
        {"s3_key_secret", std::string(129, 'k'),
         "invalid_length | " + repository + "s3_key_secret: must have at most 128 characters"},
        {"gcs_key", std::string(1025, 'k'),
         "invalid_length | " + repository + "gcs_key: must have at most 1024 characters"},
        {"azure_account", "ab",
         "invalid_length | " + repository + "azure_account: must have between 3 and 24 characters"},
        {"azure_container", "ab",
         "invalid_length | " + repository + "azure_container: must have between 3 and 63 characters"},
        {"base_path", std::string(257, '/'),
         "invalid_length | " + repository + "base_path: must have at most 256 characters"},
        {"custom_options",
         {{"a", Json::object()}},
         "invalid_field_type | " + repository +
             "custom_options.a: must be a text, a number or a boolean, not an object"}};
    for (const auto& [field, value, message] : refused) {
        CAPTURE_BOUND(field);
        CHECK(refusal(with((main + field).c_str(), value, body)) == message);
    }
    check_rows(
        {
            {"/spec/backup_config/repositories", Json::array(),
             "invalid_length | backup_config.repositories: must have at least 1 item"},
            {"/spec/backup_config/repositories", nullptr, "missing_field | backup_config.repositories: is required"},
            {"/spec/backup_config/schedules/0/type", "diff",
             "invalid_enum_value | backup_config.schedules[0].type: must be one of: full, incr"},
            {"/spec/backup_config/schedules/0/id", std::string(65, 'a'),
             "invalid_length | backup_config.schedules[0].id: must have at most 64 characters"},
            {"/spec/backup_config/schedules/0/cron_expression", std::string(33, '*'),
             "invalid_length | backup_config.schedules[0].cron_expression: must have at most 32 characters"},
            {"/spec/backup_config/schedules/0/cron_expression", nullptr,
             "missing_field | backup_config.schedules[0].cron_expression: is required"},
            {"/spec/restore_config/repository", nullptr, "missing_field | restore_config.repository: is required"},
            {"/spec/restore_config/source_node_name", "node",
             "invalid_pattern | restore_config.source_node_name: must be n and a number: n1, n2, …"},
            {"/spec/restore_config/source_database_name", "",
             "invalid_length | restore_config.source_database_name: must have between 1 and 31 characters"},
            {"/spec/restore_config/repository/retention_full", 7,
             "invalid_input | restore_config.repository.retention_full: there is no field \"retention_full\" here "
             "(fields here: id, type, base_path, custom_options, s3_bucket, s3_region, s3_endpoint, s3_key, "
             "s3_key_secret, gcs_bucket, gcs_endpoint, gcs_key, azure_account, azure_container, azure_endpoint, "
             "azure_key, cipher_pass)"},
            {"/spec/orchestrator_opts", Json::object(), ""},
            {"/spec/orchestrator_opts", {{"swarm", nullptr}}, ""},
            {"/spec/orchestrator_opts",
             {{"swarm", 5}},
             "invalid_field_type | orchestrator_opts.swarm: must be an object, not a number"},
            {"/spec/orchestrator_opts/swarm/extra_volumes",
             Json(std::vector<Json>(17, {{"host_path", "/a"}, {"destination_path", "/b"}})),
             "invalid_length | orchestrator_opts.swarm.extra_volumes: must have at most 16 items"},
            {"/spec/orchestrator_opts/swarm/extra_volumes", Json::array({{{"host_path", "/a"}}}),
             "missing_field | orchestrator_opts.swarm.extra_volumes[0].destination_path: is required"},
            {"/spec/orchestrator_opts/swarm/extra_networks/0/aliases", Json(std::vector<std::string>(9, "a")),
             "invalid_length | orchestrator_opts.swarm.extra_networks[0].aliases: must have at most 8 items"},
            {"/spec/services/0/service_type", "mpc",
             "invalid_enum_value | services[0].service_type: must be one of: mcp, postgrest, rag (did you mean "
             "\"mcp\"?)"},
            {"/spec/services/0/version", "one",
             "invalid_pattern | services[0].version: must be a version or latest: 1.2.3"},
            {"/spec/services/0/version", "1",
             "invalid_pattern | services[0].version: must be a version or latest: 1.2.3"},
            {"/spec/services/0/database_connection/target_nodes", Json::array(),
             "invalid_length | services[0].database_connection.target_nodes: must have at least 1 item"},
            {"/spec/services/0/database_connection/target_session_attrs", "replica",
             "invalid_enum_value | services[0].database_connection.target_session_attrs: must be one of: primary, "
             "prefer-standby, standby, read-write, any"},
            {"/spec/services/0/config/llm_temprature", 1,
             "invalid_input | services[0].config.llm_temprature: there is no field \"llm_temprature\" here (did you "
             "mean \"llm_temperature\"?)"},
            {"/spec/services/0/config/llm_temperature", 2.5,
             "invalid_range | services[0].config.llm_temperature: must be between 0 and 2"},
            {"/spec/services/0/config/llm_temperature", "1",
             "invalid_field_type | services[0].config.llm_temperature: must be a number, not a text"},
            {"/spec/services/0/config/llm_max_tokens", 0,
             "invalid_range | services[0].config.llm_max_tokens: must be at least 1"},
            {"/spec/services/0/config/llm_provider", "other",
             "invalid_enum_value | services[0].config.llm_provider: must be one of: anthropic, openai, ollama"},
            {"/spec/services/0/config/anthropic_api_key",
             {{"secret", "x"}, {"fingerprint", "y"}},
             "invalid_field_type | services[0].config.anthropic_api_key: must be a text, not an object"},
            {"/spec/services/0/config/init_users",
             {{"secret", "x"}, {"fingerprint", "y"}},
             "invalid_field_type | services[0].config.init_users: must be a list, not an object"},
            {"/spec/services/1/config", nullptr, "missing_field | services[1].config.db_anon_role: is required"},
            {"/spec/services/1/config/db_pool", 31,
             "invalid_range | services[1].config.db_pool: must be between 1 and 30"},
            {"/spec/services/1/config/max_rows", 10001,
             "invalid_range | services[1].config.max_rows: must be between 1 and 10000"},
            {"/spec/services/1/config/jwt_secret", "short",
             "invalid_length | services[1].config.jwt_secret: must have at least 32 characters"},
            {"/spec/services/2/config", Json::object(), "missing_field | services[2].config.pipelines: is required"},
            {"/spec/services/2/config/pipelines", Json::array(),
             "invalid_length | services[2].config.pipelines: must have at least 1 item"},
            {"/spec/services/2/config/pipelines/0/name", "Docs!",
             "invalid_input | services[2].config.pipelines[0].name: must be lower-case letters, digits, underscores "
             "and hyphens, with no hyphen at the start"},
            {"/spec/services/2/config/pipelines/0/search/vector_weight", 1.5,
             "invalid_range | services[2].config.pipelines[0].search.vector_weight: must be between 0 and 1"},
        },
        body);
}

TEST_CASE("all problems of a body come at once, a line each") {
    Json body = small_body();
    body["spec"]["port"] = 70000;
    body["spec"]["nodes"][1]["name"] = "n1";
    body["spec"]["memory"] = 4;
    CHECK(refusal(body) ==
          "invalid_input | memory: must be a text, not a number (write it in quotes)\n"
          "port: must be between 0 and 65535\n"
          "nodes[1].name: node names must be unique within a database: \"n1\"");

    body = small_body();
    body["spec"]["port"] = 70000;
    body["spec"]["patroni_port"] = -1;
    CHECK(refusal(body) ==
          "invalid_range | patroni_port: must be between 0 and 65535\nport: must be between 0 and 65535");
}

TEST_CASE("no refusal repeats a secret") {
    const std::string text = "topsecret-text";
    for (const std::string pointer :
         {"/spec/database_users/0/password", "/spec/services/0/config/anthropic_api_key",
          "/spec/services/1/config/jwt_secret", "/spec/backup_config/repositories/0/s3_key"}) {
        CAPTURE(pointer);
        const auto as_list = refusal(with(pointer.c_str(), Json::array({text}), full_body()));
        const auto too_long = refusal(with(pointer.c_str(), text + std::string(5000, '\0'), full_body()));
        CHECK(as_list != "");
        CHECK(too_long != "");
        CHECK((as_list + too_long).find(text) == std::string::npos);
    }
}

TEST_CASE("role attributes are kept in upper case") {
    const auto spec = load_body(with("/spec/database_users/0/attributes", {"login", "NoCreateDB"})).spec;
    CHECK(spec.database_users[0].attributes == std::vector<std::string>{"LOGIN", "NOCREATEDB"});
}
