#include "agent/config/config.hpp"

#include <cstdlib>
#include <map>
#include <sstream>

#include <doctest/doctest.h>

#include "agent/config/environment.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace {

AgentConfig load(const Json& file, const std::map<std::string, std::string>& environment) {
    std::vector<std::string> names;
    for (const auto& [name, value] : environment) names.push_back(name);
    return load_config(
        file,
        [&](const std::string& name) -> std::optional<std::string> {
            const auto found = environment.find(name);
            return found == environment.end() ? std::nullopt : std::optional(found->second);
        },
        names);
}

const std::map<std::string, std::string> kMinimal{
    {"PGEDGE_HOST_ID", "host-1"}, {"PGEDGE_DATA_DIR", "/var/lib/pgedge"}, {"PGEDGE_PEER_ADDRESSES", "127.0.0.2"}};

std::string mistakes(const Json& file, std::map<std::string, std::string> environment) {
    environment.insert(kMinimal.begin(), kMinimal.end());
    try {
        load(file, environment);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::invalid_input);
        return error.text();
    }
    return "";
}

}  // namespace

TEST_CASE("the variables of the issue alone are enough") {
    auto environment = kMinimal;
    environment.insert({{"PGEDGE_ORCHESTRATOR", "process"},
                        {"PGEDGE_CLIENT_ADDRESSES", "127.0.0.2"},
                        {"PGEDGE_HTTP__BIND_ADDR", "127.0.0.2"},
                        {"PGEDGE_HTTP__PORT", "3001"},
                        {"PGEDGE_HTTP__INSECURE", "true"}});

    const auto config = load(Json::object(), environment);

    CHECK(config.host_id == "host-1");
    CHECK(config.http_port == 3001);
    CHECK(config.http_insecure);
    CHECK(config.client_addresses == std::vector<std::string>{"127.0.0.2"});
}

TEST_CASE("containers need a manifest, and upstream's word for them is taken") {
    CHECK(load(Json::object(), kMinimal).orchestrator == "process");
    for (const char* word : {"docker", "swarm"}) {
        auto environment = kMinimal;
        environment["PGEDGE_ORCHESTRATOR"] = word;
        CHECK(mistakes(Json::object(), environment).find("docker.manifest") != std::string::npos);
        environment["PGEDGE_DOCKER__MANIFEST"] = "/etc/pgedge/images.json";
        const auto config = load(Json::object(), environment);
        CHECK(config.orchestrator == "docker");
        CHECK(config.docker_manifest == "/etc/pgedge/images.json");
        CHECK(config.docker_socket == "/var/run/docker.sock");
    }
    CHECK(mistakes(Json::object(), {{"PGEDGE_DOCKER__SOCKET", "docker.sock"}}).find("not an absolute path") !=
          std::string::npos);
    CHECK(mistakes(Json::object(), {{"PGEDGE_ORCHESTRATOR", "kubernetes"}}).find("use process or docker") !=
          std::string::npos);
}

TEST_CASE("addresses default to one another") {
    const auto config = load(Json::object(), kMinimal);

    CHECK(config.client_addresses == config.peer_addresses);
    CHECK(config.http_bind_address == "127.0.0.2");
    CHECK(config.http_socket == "/var/lib/pgedge/run/agent.sock");
}

TEST_CASE("the environment wins over the file") {
    const auto config = load(Json{{"http", {{"port", 3100}}}, {"random_ports", {{"min", 6000}}}},
                             {{"PGEDGE_HOST_ID", "h"},
                              {"PGEDGE_DATA_DIR", "/d"},
                              {"PGEDGE_PEER_ADDRESSES", "127.0.0.1,::1"},
                              {"PGEDGE_HTTP__PORT", "3200"}});

    CHECK(config.http_port == 3200);
    CHECK(config.random_port_min == 6000);
    CHECK(config.peer_addresses == std::vector<std::string>{"127.0.0.1", "::1"});
}

TEST_CASE("the places of PostgreSQL's programs are a list, in the file and in the environment") {
    CHECK(load(Json::object(), kMinimal).postgres_bin_dirs == std::vector<std::string>{"/usr/lib/postgresql/*/bin"});
    CHECK(load(Json{{"postgres", {{"bin_dirs", {"/opt/pg18/bin", "/usr/pgsql-*/bin"}}}}}, kMinimal).postgres_bin_dirs ==
          std::vector<std::string>{"/opt/pg18/bin", "/usr/pgsql-*/bin"});
    auto environment = kMinimal;
    environment["PGEDGE_POSTGRES__BIN_DIRS"] = "/a/bin, /b/bin";
    CHECK(load(Json::object(), environment).postgres_bin_dirs == std::vector<std::string>{"/a/bin", "/b/bin"});
    CHECK(mistakes(Json::object(), {{"PGEDGE_POSTGRES__BIN_DIRS", "bin"}}).find("'bin' is not an absolute path") !=
          std::string::npos);
}

TEST_CASE("all mistakes are told at once") {
    const auto text = mistakes(Json{{"http", {{"prot", 1}}}, {"host_id", "host-1"}},
                               {{"PGEDGE_HTTP_PORT", "3000"}, {"PGEDGE_STORE__RAFT_PORT", "none"}});

    CHECK(text.find("key http.prot is not known; did you mean http.port?") != std::string::npos);
    CHECK(text.find("PGEDGE_HTTP_PORT is not known; did you mean PGEDGE_HTTP__PORT?") != std::string::npos);
    CHECK(text.find("PGEDGE_STORE__RAFT_PORT: 'none' is not a number from 1 to 65535") != std::string::npos);
}

TEST_CASE("bad host ids are refused") {
    for (const char* bad : {"", "Host", "-h", "h-", "a--b", "host_1", "0123456789012345678901234567890123456"})
        CHECK(
            mistakes(Json{{"host_id", bad}, {"data_dir", "/d"}}, {{"PGEDGE_HOST_ID", bad}}).find("is not a host id") !=
            std::string::npos);
}

TEST_CASE("plain HTTP beyond loopback needs a word") {
    CHECK(mistakes(Json::object(), {{"PGEDGE_HTTP__BIND_ADDR", "10.0.0.1"}}).find("http.insecure") !=
          std::string::npos);
    CHECK(
        mistakes(Json::object(), {{"PGEDGE_HTTP__BIND_ADDR", "10.0.0.1"}, {"PGEDGE_HTTP__INSECURE", "true"}}).empty());
}

TEST_CASE("more listeners of the Postgres HA API are addresses with ports, under the same rule of exposure") {
    const auto listens = [](const std::string& text, const char* insecure = "false") {
        auto environment = kMinimal;
        environment["PGEDGE_POSTGRES_HA__LISTEN"] = text;
        environment["PGEDGE_HTTP__INSECURE"] = insecure;
        return load(Json::object(), environment).postgres_ha_listen;
    };
    CHECK(load(Json::object(), kMinimal).postgres_ha_listen.empty());
    CHECK(listens("127.0.0.3:8079, [::1]:80") == std::vector<AddressAndPort>{{"127.0.0.3", 8079}, {"::1", 80}});
    CHECK(listens("10.0.0.1:8079", "true").size() == 1);
    CHECK_THROWS_WITH_AS(listens("10.0.0.1:8079"), doctest::Contains("10.0.0.1:8079 is reachable from other machines"),
                         Error);
    for (const char* bad : {"", "127.0.0.1", "127.0.0.1:", ":8079", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x",
                            "::1:8079", "[::1]", "localhost:8079", "127.0.0.1:8079,", "[127.0.0.1:8079", "[::1]x:80"}) {
        CAPTURE(bad);
        CHECK_THROWS_WITH_AS(listens(bad), doctest::Contains("PGEDGE_POSTGRES_HA__LISTEN"), Error);
    }
}

TEST_CASE("the manual page has every key with its variable and its default") {
    const std::string page = read_file(std::filesystem::path(PGEDGE_SOURCE_DIR) / "man" / "pgedge-agent.8");
    std::istringstream lines(describe_config());
    std::size_t keys = 0;
    for (std::string line; std::getline(lines, line); ++keys) {
        CAPTURE(line);
        std::string key, variable;
        std::istringstream(line) >> key >> variable;
        const auto default_at = line.rfind("(default: ") + 10;
        const std::string fallback = line.substr(default_at, line.size() - 1 - default_at);

        const auto begin = page.find(".It Cm " + key + " Pq Ev " + variable + "\n");
        REQUIRE(begin != std::string::npos);
        const std::string entry = page.substr(begin, page.find("\n.It ", begin + 1) - begin);
        CHECK(entry.find(fallback) != std::string::npos);
    }
    std::size_t entries = 0;
    for (auto at = page.find(" Pq Ev "); at != std::string::npos; at = page.find(" Pq Ev ", at + 1)) ++entries;
    CHECK(entries == keys);
}

TEST_CASE("further names of the host are host names or addresses, in one spelling") {
    auto environment = kMinimal;
    environment["PGEDGE_HTTP__SERVER_NAMES"] = "DB.Example., 10.0.0.9,[::1]";
    CHECK(load(Json::object(), environment).http_server_names ==
          std::vector<std::string>{"db.example", "10.0.0.9", "::1"});
    CHECK(mistakes(Json::object(), {{"PGEDGE_HTTP__SERVER_NAMES", "db.example:3000"}}).find("without a port") !=
          std::string::npos);
}

TEST_CASE("variables of PostgreSQL are forgotten, ours are not") {
    ::setenv("PGHOSTADDR", "192.0.2.1", 1);
    ::setenv("PGSERVICE", "elsewhere", 1);
    ::setenv("PGEDGE_TEST_STAYS", "yes", 1);
    ::setenv("XPGHOST", "yes", 1);

    forget_postgres_variables();

    CHECK(::getenv("PGHOSTADDR") == nullptr);
    CHECK(::getenv("PGSERVICE") == nullptr);
    CHECK(::getenv("PGEDGE_TEST_STAYS") != nullptr);
    CHECK(::getenv("XPGHOST") != nullptr);
    ::unsetenv("PGEDGE_TEST_STAYS");
}

TEST_CASE("TLS needs all three files, and a client's certificate both") {
    CHECK(mistakes(Json::object(), {{"PGEDGE_HTTP__CLIENT_CERT", "/c.pem"}}).find("set both") != std::string::npos);
    CHECK(mistakes(Json::object(), {{"PGEDGE_HTTP__CA_CERT", "/ca.pem"}}).find("set all three") != std::string::npos);
}

}  // namespace pgedge
