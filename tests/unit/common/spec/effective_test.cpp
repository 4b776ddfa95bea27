#include <doctest/doctest.h>

#include "common/spec/database_spec.hpp"

using namespace pgedge;

TEST_CASE("a node's scalars win over the database's, and absent ones are inherited") {
    DatabaseSpec database;
    database.postgres_version = "17.10";
    database.port = 5432;
    database.cpus = "2";
    database.memory = "4G";
    NodeSpec node;
    node.port = 6432;
    node.memory = "8G";

    const TunableSpec both = effective(database, node);

    CHECK(both.postgres_version == "17.10");
    CHECK(both.port == 6432);
    CHECK(both.cpus == "2");
    CHECK(both.memory == "8G");
    CHECK_FALSE(both.patroni_port.has_value());
}

TEST_CASE("settings are merged and lines are joined with the node's first") {
    DatabaseSpec database;
    database.postgresql_conf = {{"work_mem", "64MB"}, {"max_connections", "100"}};
    database.pg_hba_conf = {"host all all 10.0.0.0/8 md5"};
    database.pg_ident_conf = {"m a b"};
    NodeSpec node;
    node.postgresql_conf = {{"max_connections", "200"}};
    node.pg_hba_conf = {"host all all 10.1.0.0/16 reject"};

    const TunableSpec both = effective(database, node);

    CHECK(both.postgresql_conf == Settings{{"work_mem", "64MB"}, {"max_connections", "200"}});
    CHECK(both.pg_hba_conf ==
          std::vector<std::string>{"host all all 10.1.0.0/16 reject", "host all all 10.0.0.0/8 md5"});
    CHECK(both.pg_ident_conf == std::vector<std::string>{"m a b"});
}

TEST_CASE("a node's backup, restore and orchestrator blocks replace the database's whole") {
    DatabaseSpec database;
    database.backup_config.emplace();
    database.backup_config->repositories.resize(2);
    database.orchestrator_opts.emplace();
    database.orchestrator_opts->image = "pg:17";
    database.restore_config.emplace();
    NodeSpec node;
    node.backup_config.emplace();
    node.backup_config->repositories.resize(1);
    node.orchestrator_opts.emplace();

    const TunableSpec both = effective(database, node);

    CHECK(both.backup_config->repositories.size() == 1);
    CHECK_FALSE(both.orchestrator_opts->image.has_value());
    CHECK(both.restore_config.has_value());
}
