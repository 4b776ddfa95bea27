#include "common/spec/validate.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/spec/merge.hpp"
#include "tests/capture_bound.hpp"
#include "tests/unit/common/spec/specs.hpp"

using namespace pgedge;

namespace {

/// What is wrong with `body`, as the API says it; "" when nothing is.
std::string wrong(const Json& body) {
    try {
        load_body(body);
        return "";
    } catch (const Error& error) {
        return error.text();
    }
}

/// The body with `change` merged in (RFC 7396: null removes, lists are replaced).
std::string wrong_with(const Json& change, Json body = small_body()) {
    body["spec"].merge_patch(change);
    return wrong(body);
}

Json nodes(std::initializer_list<Json> list) { return {{"nodes", Json(list)}}; }
Json node(const char* name, Json hosts, Json more = Json::object()) {
    more["name"] = name;
    more["host_ids"] = std::move(hosts);
    return more;
}
Json with_repository(const Json& repository) {
    return {{"backup_config", {{"repositories", Json::array({repository})}}}};
}
Json with_users(std::initializer_list<Json> users) { return {{"database_users", Json(users)}}; }

const std::string kPostgrest = "postgrest";
Json service(Json change = Json::object()) {
    Json service{{"service_id", "api"},    {"service_type", "postgrest"}, {"version", "14.5"},
                 {"host_ids", {"host-1"}}, {"connect_as", "admin"},       {"config", {{"db_anon_role", "anon"}}}};
    service.merge_patch(change);
    return service;
}
Json mcp(const Json& config, Json change = Json::object()) {
    Json result = service({{"service_id", "mcp"}, {"service_type", "mcp"}, {"config", nullptr}});
    result["config"] = config;
    result.merge_patch(change);
    return result;
}
Json with_services(std::initializer_list<Json> services) { return {{"services", Json(services)}}; }

}  // namespace

TEST_CASE("ports are distinct on every host") {
    const auto with_ports = [&](const Json& first, const Json& second) {
        return wrong_with(nodes({node("n1", {"h1"}, first), node("n2", {"h1"}, second)}));
    };
    CHECK(wrong_with(nodes({node("n1", {"h1"}), node("n2", {"h2"})})) == "");
    CHECK(with_ports({{"port", 1}}, {{"port", 2}}) == "");
    CHECK(with_ports({}, {}) ==
          "nodes[1].host_ids[0]: duplicate ports allocated on host 'h1': 5432 is used by node n1 and by node n2");
    CHECK(with_ports({{"port", 6000}}, {{"port", 6000}}) ==
          "nodes[1].port: duplicate ports allocated on host 'h1': 6000 is used by node n1 and by node n2");
    CHECK(with_ports({}, {{"port", 5432}}) ==
          "nodes[1].port: duplicate ports allocated on host 'h1': 5432 is used by node n1 and by node n2");
    CHECK(with_ports({{"port", 0}}, {{"port", 0}}) == "");
    CHECK(with_ports({{"patroni_port", 7000}}, {{"port", 7000}}) ==
          "nodes[1].port: duplicate ports allocated on host 'h1': 7000 is used by patroni_port of node n1 and by node "
          "n2");
    CHECK(wrong_with({{"patroni_port", 5432}, {"nodes", {node("n1", {"h1"})}}}) ==
          "nodes[0].host_ids[0]: duplicate ports allocated on host 'h1': 5432 is used by node n1 and by patroni_port "
          "of node n1");
    CHECK(wrong_with({{"port", nullptr}, {"nodes", {node("n1", {"h1"}), node("n2", {"h1"})}}}) == "");
    Json services = with_services({service({{"port", 5432}})});
    CHECK(wrong_with(services) ==
          "services[0].port: duplicate ports allocated on host 'host-1': 5432 is used by node n1 and by service api");
    services = with_services({service({{"port", 8080}}), service({{"service_id", "b"}, {"port", 8080}})});
    CHECK(wrong_with(services) ==
          "services[1].port: duplicate ports allocated on host 'host-1': 8080 is used by service api and by service b");
    services = with_services({service({{"port", 0}}), service({{"service_id", "b"}, {"port", 0}})});
    CHECK(wrong_with(services) == "");
}

TEST_CASE("nodes and their hosts are unique") {
    CHECK(wrong_with(nodes({node("n1", {"h1"}), node("n1", {"h2"})})) ==
          "nodes[1].name: node names must be unique within a database: \"n1\"");
    CHECK(wrong_with(nodes({node("n1", {"h1", "h2", "h1"})})) ==
          "nodes[0].host_ids[2]: host IDs must be unique within a node: \"h1\"\n"
          "nodes[0].host_ids[2]: duplicate ports allocated on host 'h1': 5432 is used by node n1 and by node n1");
    CHECK(wrong_with(nodes({node("n1", {"h1", "h2"}), node("n2", {"h3", "h4"})})) == "");
}

TEST_CASE("users are unique, have one owner, known attributes and names that are free") {
    const auto user = [](const char* name, Json more = Json::object()) {
        more["username"] = name;
        return more;
    };
    CHECK(wrong_with(with_users({user("a"), user("b")})) == "");
    CHECK(wrong_with(with_users({user("a"), user("a")})) ==
          "database_users[1].username: usernames must be unique within a database");
    CHECK(wrong_with(with_users({user("a", {{"db_owner", true}}), user("b", {{"db_owner", true}})})) ==
          "database_users[1].db_owner: cannot have multiple users with db_owner = true");
    CHECK(wrong_with(with_users({user("a", {{"db_owner", true}}), user("b", {{"db_owner", false}})})) == "");
    for (const std::string name : {"pgedge", "pgedge_superuser", "patroni_replicator"})
        CHECK(wrong_with(with_users({user(name.c_str())})) ==
              "database_users[0].username: the user name \"" + name + "\" is reserved for the platform");
    for (const std::string name : {"pg_monitor", "public", "none"})
        CHECK(wrong_with(with_users({user(name.c_str())})) ==
              "database_users[0].username: the user name \"" + name + "\" is reserved by PostgreSQL");
    CHECK(wrong_with(with_users({user(std::string(64, 'a').c_str())})) ==
          "database_users[0].username: must not be longer than 63 bytes");
    CHECK(wrong_with(with_users({user(std::string(63, 'a').c_str())})) == "");
    CHECK(wrong_with(with_users({user("a", {{"roles", {""}}})})) ==
          "database_users[0].roles[0]: the name of a role has 1 to 63 bytes");
    CHECK(
        wrong_with(with_users({user("a", {{"roles", {"pgedge"}}}), user("b", {{"roles", {"patroni_replicator"}}})})) ==
        "database_users[0].roles[0]: nobody can be a member of \"pgedge\", the platform's own user (use "
        "pgedge_superuser)\n"
        "database_users[1].roles[0]: nobody can be a member of \"patroni_replicator\", the platform's own user (use "
        "pgedge_superuser)");
    CHECK(wrong_with(with_users({user("a", {{"roles", {"pgedge_superuser", "pg_monitor", "b"}}}), user("b")})) == "");
    for (const std::string role : {"public", "none", "pg_database_owner", "pg_nothing"})
        CHECK(wrong_with(with_users({user("a", {{"roles", {role}}})})) ==
              "database_users[0].roles[0]: PostgreSQL has no role \"" + role + "\" that can have members");
    CHECK(wrong_with(with_users({user("a", {{"roles", {"b", "a"}}}), user("b")})) ==
          "database_users[0].roles[1]: a role cannot be a member of itself");
    CHECK(wrong_with(with_users({user("x", {{"roles", {"a"}}}), user("a", {{"roles", {"b", "c"}}}),
                                 user("b", {{"roles", {"c"}}}), user("c", {{"roles", {"d", "a"}}})})) ==
          "database_users[3].roles[1]: roles cannot be members of each other: a -> b -> c -> a");
    for (const std::string password : {"line\n", "a\tb", "\x7f", "a\rb"})
        CHECK(wrong_with(with_users({user("a", {{"password", password}})}))
                  .find("database_users[0].password: must not hold control characters") == 0);
    CHECK(wrong_with(with_users({user("a", {{"password", "pässwörd ☃"}})})) == "");
    for (const std::string attribute :
         {"SUPERUSER", "NOSUPERUSER", "CREATEDB", "NOCREATEDB", "CREATEROLE", "NOCREATEROLE", "INHERIT", "NOINHERIT",
          "LOGIN", "NOLOGIN", "REPLICATION", "NOREPLICATION", "BYPASSRLS", "NOBYPASSRLS", "login"}) {
        CAPTURE(attribute);
        CHECK(wrong_with(with_users({user("a", {{"attributes", {attribute}}})})) == "");
    }
    CHECK(wrong_with(with_users({user("a", {{"attributes", {"LOGON"}}})})) ==
          "database_users[0].attributes[0]: \"LOGON\" is no attribute of a role (did you mean \"LOGIN\"?)");
    for (const std::string attribute : {"LOGIN; DROP TABLE t", "PASSWORD 'x'", "LOGIN SUPERUSER", "CONNECTION LIMIT 5",
                                        "", "VALID UNTIL 'infinity'", "LOGIN\""}) {
        CAPTURE(attribute);
        CHECK(wrong_with(with_users({user("a", {{"attributes", {attribute}}})})).find("is no attribute of a role") !=
              std::string::npos);
    }
    CHECK(wrong_with(with_users({user("a", {{"attributes", {"LOGIN", "NOLOGIN"}}})})) ==
          "database_users[0].attributes[1]: LOGIN and NOLOGIN contradict each other");
    CHECK(wrong_with(with_users({user("a", {{"attributes", {"LOGIN", "LOGIN"}}})})) == "");
}

TEST_CASE("settings that are the platform's, and libraries without replication, are refused") {
    const auto conf = [](const char* name, const Json& value) {
        return wrong_with({{"postgresql_conf", {{name, value}}}});
    };
    CHECK(conf("max_connections", 100) == "");
    CHECK(conf("auto_explain.log_min_duration", "1s") == "");
    CHECK(conf("hba_file", "/tmp/x") == "postgresql_conf.hba_file: hba_file cannot be set (use pg_hba_conf)");
    CHECK(conf("HBA_File", "/tmp/x") == "postgresql_conf.HBA_File: hba_file cannot be set (use pg_hba_conf)");
    CHECK(conf("ident_file", "x") == "postgresql_conf.ident_file: ident_file cannot be set (use pg_ident_conf)");
    CHECK(conf("port", 5433) == "postgresql_conf.port: port cannot be set (use port of the database or the node)");
    CHECK(conf("wal_level", "replica") ==
          "postgresql_conf.wal_level: wal_level cannot be set (replication needs it logical)");
    CHECK(conf("wal_level", "logical") == "");
    CHECK(conf("track_commit_timestamp", false) ==
          "postgresql_conf.track_commit_timestamp: track_commit_timestamp cannot be set (replication needs it on)");
    CHECK(conf("work_mem", "1e300") == "postgresql_conf.work_mem: 1e300 is outside of its range, 64 to 2147483647 kB");
    CHECK(conf("data_directory", "/") ==
          "postgresql_conf.data_directory: data_directory cannot be set (the platform sets it)");
    CHECK(conf("a b", "x") == "postgresql_conf.a b: \"a b\" is no name of a setting");
    CHECK(conf("x = 'y' #", "x") == "postgresql_conf.x = 'y' #: \"x = 'y' #\" is no name of a setting");
    CHECK(conf("work_mem", "1MB\nhba_file = '/tmp/x'") == "postgresql_conf.work_mem: must not hold control characters");
    const std::string needs =
        "postgresql_conf.shared_preload_libraries: must contain spock (or pglogical, where that is the replication "
        "extension)";
    for (const std::string libraries : {"spock", "pg_stat_statements, spock", "pg_stat_statements,spock,auto_explain",
                                        "\"spock\"", "$libdir/spock", "pglogical"}) {
        CAPTURE(libraries);
        CHECK(conf("shared_preload_libraries", libraries) == "");
    }
    for (const Json& libraries :
         {Json("pg_stat_statements"), Json(""), Json("spockx"), Json("myspock"), Json(5), Json(true)}) {
        CAPTURE(to_text(libraries));
        CHECK(conf("shared_preload_libraries", libraries) == needs);
    }
    CHECK(wrong_with(nodes({node("n1", {"h1"}, {{"postgresql_conf", {{"ident_file", "x"}}}})})) ==
          "nodes[0].postgresql_conf.ident_file: ident_file cannot be set (use pg_ident_conf)");
}

TEST_CASE("settings leave replication what it needs, counted by nodes and replicas") {
    const auto with = [](const Json& database, const Json& first, const Json& second) {
        return wrong_with({{"postgresql_conf", database},
                           {"nodes",
                            {node("n1", {"h1"}, {{"postgresql_conf", first}}),
                             node("n2", {"h2", "h3"}, {{"postgresql_conf", second}}), node("n3", {"h4"})}}});
    };
    const Json none = Json::object();
    CHECK(with({{"max_replication_slots", 9}, {"max_wal_senders", 6}, {"max_worker_processes", 8}}, none, none) == "");
    CHECK(with({{"max_replication_slots", 1}}, none, none) ==
          "postgresql_conf.max_replication_slots: is 1, and node n2 of 3 needs at least 9: two per other node, three "
          "when a replica may take over, one per replica, two for copies and tools");
    // What all nodes set otherwise holds nowhere; one node alone is told where it stands.
    CHECK(with({{"max_worker_processes", 20}}, {{"MAX_worker_processes", "2"}}, none) ==
          "nodes[0].postgresql_conf.MAX_worker_processes: is 2, and node n1 of 3 needs at least 8: one per other node, "
          "six for the supervisor, the manager and the like");
    CHECK(with({{"max_connections", 20}, {"superuser_reserved_connections", 20}}, none, none) ==
          "postgresql_conf.max_connections: is 20, and 20 of them are reserved: it must be greater");
    CHECK(with(none, {{"max_wal_senders", 0}}, {{"superuser_reserved_connections", 0}}) ==
          "nodes[0].postgresql_conf.max_wal_senders: is 0, and node n1 of 3 needs at least 4: one per other node, two "
          "per replica, two for copies and tools\n"
          "nodes[1].postgresql_conf.superuser_reserved_connections: is 0, and node n2 of 3 needs at least 3: the "
          "platform's own sessions need them when clients have taken all others");
}

TEST_CASE("limits of nodes and services are checked as those of the database") {
    CHECK(wrong_with(nodes({node("n1", {"h1"}, {{"cpus", "0"}, {"memory", "x"}})})) ==
          "nodes[0].cpus: cannot be less than 1 millicpu\n"
          "nodes[0].memory: \"x\" is not a size (write a number with a unit of SI or IEC: 4G, 512MiB)");
    CHECK(wrong_with(with_services({service({{"cpus", "0"}, {"memory", "1Q"}})})) ==
          "services[0].cpus: cannot be less than 1 millicpu\n"
          "services[0].memory: \"1Q\" is not a size (write a number with a unit of SI or IEC: 4G, 512MiB)");
}

TEST_CASE("entries of pg_hba and pg_ident are checked where they stand") {
    CHECK(wrong_with({{"pg_hba_conf", {"local all all trust", "hst all all 1.2.3.4/32 md5"}}}) ==
          "pg_hba_conf[1]: invalid pg_hba entry: \"hst\" is no connection type, did you mean \"host\"?");
    CHECK(wrong_with(nodes({node("n1", {"h1"}, {{"pg_ident_conf", {"a b"}}})})) ==
          "nodes[0].pg_ident_conf[0]: invalid pg_ident entry: needs a map, a system user and a database user");
    CHECK(wrong_with({{"pg_hba_conf", {"local\tall\tall\ttrust"}}}) == "");
}

TEST_CASE("scripts are one statement each") {
    CHECK(wrong_with({{"scripts", {{"post_init", {"SELECT 1", "SELECT 'x"}}, {"post_database_create", {"a; b"}}}}}) ==
          "scripts.post_init[1]: failed to parse SQL statement: a quoted text is not closed\n"
          "scripts.post_database_create[0]: failed to parse SQL statement: only one statement may stand here");
}

TEST_CASE("repositories have what their type needs") {
    const std::vector<std::pair<Json, std::string>> rows{
        {{{"type", "s3"}, {"s3_bucket", "abc"}}, ""},
        {{{"type", "s3"}}, "s3_bucket: s3_bucket is required for s3 repositories"},
        {{{"type", "gcs"}, {"gcs_bucket", "abc"}}, ""},
        {{{"type", "gcs"}, {"s3_bucket", "abc"}}, "gcs_bucket: gcs_bucket is required for gcs repositories"},
        {{{"type", "azure"}, {"azure_account", "abc"}, {"azure_container", "abc"}, {"azure_key", "k"}}, ""},
        {{{"type", "azure"}, {"azure_container", "abc"}, {"azure_key", "k"}},
         "azure_account: azure_account is required for azure repositories"},
        {{{"type", "azure"}, {"azure_account", "abc"}, {"azure_key", "k"}},
         "azure_container: azure_container is required for azure repositories"},
        {{{"type", "posix"}, {"base_path", "/b"}}, ""},
        {{{"type", "cifs"}, {"base_path", "/b"}}, ""},
        {{{"type", "posix"}}, "base_path: base_path is required for posix repositories"},
        {{{"type", "cifs"}, {"base_path", ""}}, "base_path: base_path is required for cifs repositories"},
        {{{"type", "posix"}, {"base_path", "b"}}, "base_path: base_path must be absolute for posix repositories"},
        {{{"type", "s3"}, {"s3_bucket", "abc"}, {"custom_options", {{"s3-kms-key-id", "x"}}}}, ""},
        {{{"type", "s3"}, {"s3_bucket", "abc"}, {"custom_options", {{"S3", "x"}}}},
         "custom_options.S3: invalid option name \"S3\" (lower-case letters, digits and hyphens)"},
        {{{"type", "s3"}, {"s3_bucket", "abc"}, {"custom_options", {{"a b", "x"}}}},
         "custom_options.a b: invalid option name \"a b\" (lower-case letters, digits and hyphens)"},
        {{{"type", "posix"}, {"base_path", "/b"}, {"custom_options", {{"cipher-pass", "x"}}}},
         "custom_options.cipher-pass: cipher-pass is a secret, and custom_options are shown to everybody (use the "
         "field "
         "cipher_pass)"},
        {{{"type", "posix"}, {"base_path", "/b"}, {"custom_options", {{"bundle", "y\nrepo1-path=/"}}}},
         "custom_options.bundle: must not hold control characters"},
    };
    for (const auto& [repository, problem] : rows) {
        CAPTURE_BOUND(repository);
        const std::string in_backup = problem.empty() ? "" : "backup_config.repositories[0]." + problem;
        CHECK(wrong_with(with_repository(repository)) == in_backup);
        CHECK(wrong_with(nodes({node("n1", {"h1"}, with_repository(repository))})) ==
              (problem.empty() ? "" : "nodes[0]." + in_backup));
        const Json restore{{"restore_config",
                            {{"source_database_id", "a"},
                             {"source_node_name", "n1"},
                             {"source_database_name", "a"},
                             {"repository", repository}}}};
        CHECK(wrong_with(restore) == (problem.empty() ? "" : "restore_config.repository." + problem));
    }
    CHECK(wrong_with({{"restore_config",
                       {{"source_database_id", "a"},
                        {"source_node_name", "n1"},
                        {"source_database_name", "a"},
                        {"repository", {{"type", "s3"}, {"s3_bucket", "abc"}}},
                        {"restore_options", {{"--type", "x"}, {"Type", "x"}}}}}}) ==
          "restore_config.restore_options.Type: invalid option name \"Type\" (lower-case letters, digits and hyphens)");
}

TEST_CASE("schedules have cron expressions and names of their own") {
    Json config = with_repository({{"type", "s3"}, {"s3_bucket", "abc"}});
    config["backup_config"]["schedules"] = {{{"id", "a"}, {"type", "full"}, {"cron_expression", "0 0 * *"}},
                                            {{"id", "a"}, {"type", "incr"}, {"cron_expression", "0 * * * *"}}};
    CHECK(wrong_with(config) ==
          "backup_config.schedules[0].cron_expression: must have five fields: minute, hour, day of the month, month, "
          "day of the week; this has 4\n"
          "backup_config.schedules[1].id: schedule IDs must be unique: \"a\"");
}

TEST_CASE("labels of the platform are reserved") {
    const Json options{{"orchestrator_opts", {{"swarm", {{"extra_labels", {{"pgedge.id", "x"}, {"team", "y"}}}}}}}};
    const std::string problem =
        "orchestrator_opts.swarm.extra_labels.pgedge.id: labels starting with \"pgedge.\" are reserved for system use";
    CHECK(wrong_with(options) == problem);
    CHECK(wrong_with(nodes({node("n1", {"h1"}, options)})) == "nodes[0]." + problem);
    CHECK(wrong_with(with_services({service(options)})) == "services[0]." + problem);
}

TEST_CASE("services refer to what is in the database") {
    CHECK(wrong_with(with_services({service()})) == "");
    CHECK(wrong_with(with_services({service(), service()})) ==
          "services[1].service_id: service IDs must be unique within a database: \"api\"");
    CHECK(
        wrong_with(with_services({service({{"connect_as", "admn"}})})) ==
        "services[0].connect_as: connect_as must be one of database_users, \"admn\" is not (did you mean \"admin\"?)");
    CHECK(wrong_with(with_services({service({{"host_ids", {"host-1", "host-1"}}})})) ==
          "services[0].host_ids[1]: host IDs must be unique within a service");
    CHECK(wrong_with(with_services({service({{"database_connection", {{"target_nodes", {"n2", "n9", "n2"}}}}})})) ==
          "services[0].database_connection.target_nodes[1]: there is no node \"n9\" in this database\n"
          "services[0].database_connection.target_nodes[2]: target nodes must be unique: \"n2\"");
    CHECK(wrong_with(
              with_services({service({{"orchestrator_opts",
                                       {{"swarm",
                                         {{"extra_volumes", {{{"host_path", "/a"}, {"destination_path", "/b"}}}},
                                          {"extra_networks", {{{"id", "x"}, {"driver_opts", {{"a", "b"}}}}}}}}}}})})) ==
          "services[0].orchestrator_opts.swarm.extra_volumes: extra_volumes are not supported for services\n"
          "services[0].orchestrator_opts.swarm.extra_networks[0].driver_opts: driver_opts are not supported for "
          "services");
    Json body = small_body();
    body["id"] = std::string(36, 'd');
    CHECK(wrong_with(with_services({service({{"service_id", std::string(17, 's')}})}), body) == "");
    CHECK(wrong_with(with_services({service({{"service_id", std::string(18, 's')}})}), body) ==
          "services[0].service_id: the database's id and the service's id must not have more than 53 characters "
          "together");
}

TEST_CASE("settings of mcp services fit each other") {
    const auto with_config = [](const Json& config, const Json& change = Json::object()) {
        return wrong_with(with_services({mcp(config, change)}));
    };
    CHECK(with_config(Json::object()) == "");
    CHECK(with_config(
              {{"llm_enabled", true}, {"llm_provider", "openai"}, {"llm_model", "m"}, {"openai_api_key", "k"}}) == "");
    CHECK(with_config({{"llm_provider", "openai"}}) ==
          "services[0].config.llm_provider: llm_provider needs llm_enabled: true");
    CHECK(with_config({{"llm_enabled", false}, {"openai_api_key", "k"}}) ==
          "services[0].config.openai_api_key: openai_api_key needs llm_enabled: true");
    CHECK(with_config({{"ollama_url", "http://o"}}) ==
          "services[0].config.ollama_url: ollama_url needs llm_enabled: true");
    CHECK(with_config({{"ollama_url", "http://o"}, {"embedding_provider", "ollama"}}) == "");
    CHECK(with_config({{"kb_embedding_model", "m"}}) ==
          "services[0].config.kb_embedding_model: kb_embedding_model needs kb_enabled: true");
    CHECK(with_config({{"kb_enabled", true}, {"kb_database_host_path", "/var/kb.db"}}) == "");
    for (const std::string path : {"kb.db", "/var/../etc/kb", "/var//kb", "./kb"})
        CHECK(with_config({{"kb_enabled", true}, {"kb_database_host_path", path}}) ==
              "services[0].config.kb_database_host_path: must be an absolute path without . and ..");
    const auto attrs = [](const char* word) { return Json{{"database_connection", {{"target_session_attrs", word}}}}; };
    for (const std::string word : {"primary", "read-write"})
        CHECK(with_config({{"allow_writes", true}}, attrs(word.c_str())) == "");
    for (const std::string word : {"prefer-standby", "standby", "any"}) {
        CHECK(with_config({{"allow_writes", true}}, attrs(word.c_str())) ==
              "services[0].database_connection.target_session_attrs: allow_writes needs target_session_attrs primary "
              "or read-write");
        CHECK(with_config({{"allow_writes", false}}, attrs(word.c_str())) == "");
    }
}

TEST_CASE("first users and tokens of a service can be given only when it is new") {
    const DatabaseSpec stored = load_body(full_body()).spec;
    ValidationContext update{ValidationContext::Change::update, &stored, "storefront"};
    CHECK(lines(validate(stored, update)) ==
          "services[0].config.init_token: init_token can be given only when the service is new\n"
          "services[0].config.init_users: init_users can be given only when the service is new");
}

TEST_CASE("pipelines of a rag service have names of their own") {
    Json body = full_body();
    auto& pipelines = body["spec"]["services"][2]["config"]["pipelines"];
    pipelines.push_back(pipelines[0]);
    CHECK(wrong(body) == "services[2].config.pipelines[1].name: names of pipelines must be unique");
}

TEST_CASE("a source node has to be another node that exists already") {
    using Change = ValidationContext::Change;
    const auto spec_with = [](std::initializer_list<Json> list) {
        Json body = small_body();
        body["spec"]["nodes"] = Json(list);
        return body;
    };
    CHECK(wrong(spec_with({node("n1", {"h1"}), node("n2", {"h2"}, {{"source_node", "n2"}})})) ==
          "nodes[1].source_node: a node cannot use itself as a source node");
    CHECK(wrong(spec_with({node("n1", {"h1"}), node("n2", {"h2"}, {{"source_node", "n3"}})})) ==
          "nodes[1].source_node: source node does not exist: \"n3\" (did you mean \"n1\"?)");
    const Json restore{{"source_database_id", "a"},
                       {"source_node_name", "n1"},
                       {"source_database_name", "a"},
                       {"repository", {{"type", "s3"}, {"s3_bucket", "abc"}}}};
    CHECK(wrong(spec_with(
              {node("n1", {"h1"}), node("n2", {"h2"}, {{"source_node", "n1"}, {"restore_config", restore}})})) ==
          "nodes[1].source_node: specify either source_node or restore_config");

    const DatabaseSpec stored = load_body(spec_with({node("n1", {"h1"}), node("n2", {"h2"})})).spec;
    const auto update = [&](const Json& body) {
        return lines(validate(load_body(body).spec, {Change::update, &stored, {}}));
    };
    CHECK(update(spec_with({node("n1", {"h1"}), node("n3", {"h3"}, {{"source_node", "n1"}})})) == "");
    CHECK(update(spec_with({node("n1", {"h1"}), node("n3", {"h3"}), node("n4", {"h4"}, {{"source_node", "n3"}})})) ==
          "nodes[2].source_node: source node must refer to an existing node");
    CHECK(update(spec_with({node("n1", {"h1"}), node("n2", {"h2"}, {{"source_node", "n1"}})})) == "");

    const auto create = [&](const Json& body) {
        return lines(validate(load_body(body).spec, {Change::create, nullptr, {}}));
    };
    CHECK(create(spec_with({node("n1", {"h1"}), node("n2", {"h2"}, {{"source_node", "n1"}})})) ==
          "nodes[1].source_node: source node must refer to an existing node");
}

TEST_CASE("a key of azure may be left out of an update, not of a create") {
    using Change = ValidationContext::Change;
    Json body = small_body();
    body["spec"].merge_patch(
        with_repository({{"type", "azure"}, {"azure_account", "abc"}, {"azure_container", "abc"}}));
    DatabaseSpec without_key = load_body(body).spec;
    CHECK(lines(validate(without_key, {Change::create, nullptr, {}})) ==
          "backup_config.repositories[0].azure_key: azure_key is required for azure repositories");

    DatabaseSpec stored = without_key;
    stored.backup_config->repositories[0].azure_key = SecretRef{"x", "0"};
    merge_omitted(without_key, stored);
    CHECK(lines(validate(without_key, {Change::update, &stored, {}})) == "");
}

TEST_CASE("high availability: modes need replicas, times and counts have bounds") {
    const auto with_ha = [&](const Json& ha, const Json& hosts = {"h1", "h2"}, const Json& own = Json::object()) {
        Json change = nodes({node("n1", hosts, own)});
        change["ha"] = ha;
        return wrong_with(change);
    };
    CHECK(with_ha(Json::object()) == "");
    CHECK(with_ha({{"mode", "quorum"}, {"strict", true}, {"lease_ttl", "8s"}, {"max_lag_bytes", 0}}) == "");
    CHECK(with_ha({{"mode", "sync"}, {"sync_replicas", 2}}, {"h1", "h2", "h3"}) == "");
    CHECK(with_ha({{"mode", "sync"}, {"sync_replicas", 2}}) == "ha.sync_replicas: node n1 has 1 replica");
    CHECK(with_ha({{"mode", "sync"}}, Json::array({"h1"}))
              .starts_with("ha.mode: node n1 has no replica that a commit could wait for"));
    CHECK(with_ha({{"mode", "sync"}}, Json::array({"h1"}), {{"ha", {{"mode", "async"}}}}) == "");
    CHECK(with_ha(nullptr, Json::array({"h1"}), {{"ha", {{"mode", "quorum"}}}})
              .starts_with("nodes[0].ha.mode: node n1 has no replica that a commit could wait for"));
    CHECK(with_ha({{"strict", true}}) == "ha.strict: means something in mode sync and quorum only");
    CHECK(with_ha({{"sync_replicas", 1}}) == "ha.sync_replicas: means something in mode sync and quorum only");
    CHECK(with_ha({{"lease_ttl", "3999ms"}}).starts_with("ha.lease_ttl: must be between 4"));
    CHECK(with_ha({{"lease_ttl", "301s"}}).starts_with("ha.lease_ttl: must be between 4"));
    CHECK(with_ha({{"lease_ttl", "8 s"}}) == "ha.lease_ttl: must be a time in s or ms: 8s, 4500ms");
    CHECK(with_ha({{"mode", "synch"}}).starts_with("ha.mode: "));
    CHECK(with_ha({{"sync_replica", 1}}).starts_with("ha.sync_replica: "));
    CHECK(with_ha({{"mode", "sync"}}, {"h1", "h2"}, {{"postgresql_conf", {{"synchronous_standby_names", "x"}}}}) ==
          "nodes[0].postgresql_conf.synchronous_standby_names: in mode sync the platform sets it");
}
