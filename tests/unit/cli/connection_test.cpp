#include "cli/connection.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

InstanceAnswer instance(const std::string& node, const std::string& host, const std::string& role,
                        const std::string& state = "available") {
    InstanceAnswer made;
    made.id = node + host;
    made.node_name = node;
    made.addresses = {host};
    made.port = 5432;
    made.role = role;
    made.state = state;
    return made;
}

DatabaseAnswer shop() {
    DatabaseAnswer database;
    database.id = "shop";
    database.spec = Json::parse(
        R"({"database_name": "my db", "database_users": [{"username": "ro"}, {"username": "o'wner", "db_owner": true}]})");
    database.instances = {instance("n1", "h1", "replica"), instance("n1", "h2", "primary", "degraded"),
                          instance("n2", "::1", "primary")};
    return database;
}

}  // namespace

TEST_CASE("primaries that serve come first, and the owner is the user") {
    const Connection connection = connection_to(shop(), {});
    CHECK(connection.servers == std::vector<Connection::Server>{{"::1", 5432}, {"h2", 5432}, {"h1", 5432}});
    CHECK(connection.user == "o'wner");
    CHECK(connection.session_attributes == "read-write");
}

TEST_CASE("a node and replicas can be chosen") {
    CHECK(connection_to(shop(), {.node = "n1", .user = "", .replica = true}).servers ==
          std::vector<Connection::Server>{{"h1", 5432}});
    CHECK(connection_to(shop(), {.node = "n1", .user = "ro"}).user == "ro");
    CHECK_THROWS_WITH_AS(connection_to(shop(), {.node = "n3", .user = ""}), "database shop has no node 'n3'", Error);
    CHECK_THROWS_WITH_AS(connection_to(shop(), {.node = "n2", .user = "", .replica = true}),
                         "database shop has no replica in node n2", Error);
}

TEST_CASE("names with special characters survive every form") {
    const Connection connection = connection_to(shop(), {.node = "n2", .user = ""});
    CHECK(to_uri(connection) == "postgresql://o%27wner@[::1]:5432/my%20db?target_session_attrs=read-write");
    CHECK(to_dsn(connection) == "host=::1 port=5432 dbname='my db' user='o\\'wner' target_session_attrs=read-write");
    CHECK(to_env(connection) ==
          "PGHOST='::1'\nPGPORT='5432'\nPGDATABASE='my db'\nPGUSER='o'\\''wner'\nPGTARGETSESSIONATTRS=read-write\n");
    CHECK(to_jdbc(connection) == "jdbc:postgresql://[::1]:5432/my%20db?user=o%27wner&targetServerType=primary");
    CHECK(to_pgpass(connection) == "\\:\\:1:5432:my db:o'wner:PASSWORD\n");
    CHECK(to_service(connection, "shop") ==
          "[shop]\nhost=::1\nport=5432\ndbname=my db\nuser=o'wner\ntarget_session_attrs=read-write\n");
}

TEST_CASE("a database without a published port says what to do") {
    DatabaseAnswer database = shop();
    for (auto& one : database.instances) one.port.reset();
    CHECK_THROWS_WITH_AS(connection_to(database, {}), "no instance of database shop publishes a port", Error);
}

}  // namespace pgedge
