#include <doctest/doctest.h>

#include "agent/store/tables/nodes.hpp"
#include "tests/unit/agent/api/control_plane/api_rig.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

constexpr const char* kBackups = "/v1/databases/example/nodes/n1/backups";

/// The guide's database, whose node n1 is backed up.
struct BackedUp : ApiRig {
    BackedUp() {
        create_example();
        end_task(Tasks(store).list("database", "example", {}, limit).front().id);
        make_available("example");
        configure();
        commit(Nodes::set("example", "n1", "example-n1-689qacsi"));
        stanza("");
    }
    void configure() {
        auto database = *Databases(store).find("example", limit);
        RepositorySpec repository;
        repository.type = "posix";
        repository.base_path = "/backups";
        database.spec.nodes[0].backup_config = BackupConfigSpec{{repository, repository}, {}};
        commit(Databases::update(database, database.revision));
    }
    void stanza(const std::string& error) {
        Resource resource;
        resource.id = {"common.pgbackrest_stanza", "n1"};
        resource.host_id = "host-1";
        resource.node = "n1";
        commit(Databases::upsert_resource("example", {resource, false, error}));
    }
    std::string refused(const std::string& body, const std::string& name, int status = 400,
                        const std::string& path = kBackups) {
        const Json error = post(path, body, status);
        CHECK(error["name"] == name);
        return error["message"];
    }
};

}  // namespace

TEST_CASE("a backup is a task of the node, done by whoever has its primary") {
    BackedUp rig;
    const Json answer = rig.post(kBackups, R"({"type": "incr", "annotations": {"why": "release 2"},
                                               "backup_options": {"process-max": "2"}})");
    CHECK(answer["task"]["type"] == "node_backup");
    CHECK(answer["task"]["node_name"] == "n1");
    REQUIRE(rig.operations.works.size() == 1);
    const auto& work = rig.operations.works.front();
    CHECK(work.kind == "node_backup");
    CHECK(work.host_id.empty());
    CHECK(work.node_name == "n1");
    CHECK(work.arguments == Json{{"type", "incr"},
                                 {"annotations", {{"why", "release 2"}}},
                                 {"options", {{"process-max", "2"}}},
                                 {"repositories", 2}});
}

TEST_CASE("a backup that cannot be made is refused before there is a task") {
    BackedUp rig;
    rig.refused("", "missing_payload");
    rig.refused("{}", "missing_field");
    rig.refused(R"({"type": 1})", "invalid_field_type");
    rig.refused(R"({"type": "half"})", "invalid_enum_value");
    CHECK(rig.refused(R"({"type": "full", "annotation": {}})", "invalid_input").find("did you mean annotations?") !=
          std::string::npos);
    rig.refused(R"({"type": "full", "annotations": []})", "invalid_field_type");
    rig.refused(R"({"type": "full", "annotations": {"a": 1}})", "invalid_field_type");
    rig.refused(R"({"type": "full", "annotations": {"a": "x\ny"}})", "invalid_input");
    rig.refused(R"({"type": "full", "annotations": {"a=b": "x"}})", "invalid_input");
    rig.refused(R"({"type": "full", "annotations": {"pgedge-task": "x"}})", "invalid_input");
    rig.refused(R"({"type": "full", "annotations": {"a": ")" + std::string(257, 'x') + R"("}})", "invalid_length");
    rig.refused(R"({"type": "full", "backup_options": {"repo1-path": "/tmp"}})", "invalid_input");
    CHECK(rig.refused(R"({"type": "full"})", "invalid_input", 400, "/v1/databases/example/nodes/n2/backups")
              .starts_with("backups are not configured for this database node"));
    rig.refused(R"({"type": "full"})", "not_found", 404, "/v1/databases/example/nodes/n9/backups");
    rig.refused(R"({"type": "full"})", "not_found", 404, "/v1/databases/nothing/nodes/n1/backups");
    rig.refused(R"({"type": "full"})", "invalid_pattern", 400, "/v1/databases/example/nodes/m1/backups");
    rig.set_state("example", DatabaseState::modifying);
    rig.refused(R"({"type": "full"})", "database_not_modifiable", 409);
    CHECK(rig.operations.works.empty());
    rig.post(std::string(kBackups) + "?force=true", R"({"type": "full"})");
    CHECK(rig.operations.works.size() == 1);
    rig.make_available("example");
    rig.stanza("Permission denied");
    CHECK(rig.refused(R"({"type": "full"})", "conflict", 409).find("Permission denied") != std::string::npos);
}

TEST_CASE("backups are listed as the host of the primary tells them") {
    BackedUp rig;
    Backup backup;
    backup.label = "20261130-203000F";
    backup.type = "full";
    backup.wal_start = backup.wal_stop = "000000010000000000000003";
    backup.annotations = {{"why", "release"}};
    rig.backups.in_repositories = {{backup}, {"repository 2: missing stanza path"}};
    const Json answer = rig.get(kBackups);
    CHECK(rig.backups.asked == std::vector<std::string>{"host-1 example-n1-689qacsi"});
    REQUIRE(answer["backups"].size() == 1);
    CHECK(answer["backups"][0]["label"] == "20261130-203000F");
    CHECK(answer["backups"][0]["annotations"] == Json{{"why", "release"}});
    CHECK_FALSE(answer["backups"][0].contains("prior"));
    CHECK(answer["errors"] == Json::array({"repository 2: missing stanza path"}));
    CHECK(rig.json_of(rig.send("GET", "/v1/databases/example/nodes/n2/backups"), 400)["name"] == "invalid_input");
}

TEST_CASE("a restore is an operation on all nodes or some, from the node's own repository or another") {
    BackedUp rig;
    constexpr const char* kRestore = "/v1/databases/example/restore";
    Backup backup;
    backup.label = "20261130-203000F";
    backup.completed_at = rig.clock.wall() - 1h;
    rig.backups.in_repositories.backups = {backup};
    const Json source{
        {"source_database_id", "example"}, {"source_node_name", "n1"}, {"source_database_name", "example"}};
    const auto with = [&](const Json& options) {
        Json config = source;
        config["restore_options"] = options;
        return to_text(Json{{"restore_config", config}});
    };
    const Json answer = rig.post(kRestore, with({{"set", "20261130-203000F"}, {"type", "immediate"}}));
    CHECK(answer["task"]["type"] == "restore");
    CHECK(answer["database"]["state"] == "restoring");
    CHECK(answer["node_tasks"] == Json::array());
    REQUIRE(rig.operations.restores.size() == 1);
    CHECK(rig.operations.restores[0].config.repository.type.empty());
    CHECK(rig.operations.restores[0].nodes.empty());
    rig.make_available("example");

    rig.refused("", "missing_payload", 400, kRestore);
    rig.refused("{}", "missing_field", 400, kRestore);
    rig.refused(R"({"restore_config": {}, "nodes": []})", "invalid_input", 400, kRestore);
    rig.refused(to_text(Json{{"restore_config", source}, {"target_nodes", "n1"}}), "invalid_field_type", 400, kRestore);
    CHECK(rig.refused(to_text(Json{{"restore_config", {{"source_node_name", "n1"}}}}), "missing_field", 400, kRestore)
              .find("restore_config.source_database_id") != std::string::npos);
    CHECK(rig.refused(with({{"set", "20200101-000000F"}}), "invalid_input", 400, kRestore).find("no backup") !=
          std::string::npos);
    rig.backups.in_repositories.backups.clear();
    rig.refused(with(Json::object()), "invalid_input", 400, kRestore);
    CHECK(rig.operations.restores.size() == 1);

    // A repository of its own is looked at by who restores from it.
    Json elsewhere = source;
    elsewhere["repository"] = {{"type", "posix"}, {"base_path", "/other"}};
    rig.post(kRestore, to_text(Json{{"restore_config", elsewhere}, {"target_nodes", {"n1"}}}));
    REQUIRE(rig.operations.restores.size() == 2);
    CHECK(rig.operations.restores[1].config.repository.base_path == "/other");
    CHECK(rig.operations.restores[1].nodes == std::vector<std::string>{"n1"});
}
