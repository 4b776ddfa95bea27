#include "agent/api/instance_logs.hpp"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "agent/runtime/instance_paths.hpp"
#include "agent/serve/router.hpp"
#include "common/base/uuid.hpp"

using namespace pgedge;

namespace {

/// A data directory with the log of one instance.
struct Host {
    const std::filesystem::path directory = std::filesystem::temp_directory_path() / ("pgedge-" + random_hex(8));
    const std::filesystem::path logs = InstancePaths(directory, "example-n1-689qacsi").data() / "log";
    Host() { std::filesystem::create_directories(logs); }
    ~Host() { std::filesystem::remove_all(directory); }
    void write(const std::string& file, const std::string& text, int age_in_hours = 0) const {
        std::ofstream(logs / file) << text;
        std::filesystem::last_write_time(
            logs / file, std::filesystem::file_time_type::clock::now() - std::chrono::hours(age_in_hours));
    }
};

/// Straight into another agent's router.
class RouterTransport final : public Transport {
public:
    explicit RouterTransport(const Router& router) : router_(router) {}
    HttpResponse send(const HttpRequest& request, const Limit&) override { return router_.handle(request); }
    HttpResponse stream(const HttpRequest&, const Limit&, const std::function<bool(std::string_view)>&) override {
        throw Error(ErrorKind::internal, "nothing is streamed here");
    }
    std::string endpoint() const override { return "router:"; }

private:
    const Router& router_;
};

const Limit kLimit{std::chrono::seconds(10)};
const std::string kInstance = "example-n1-689qacsi";
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the last lines come from the newest log files") {
    const Host host;
    host.write("postgresql-Mon.log", "one\ntwo\n", 24);
    host.write("postgresql-Tue.log", "three\nfour\n");
    AgentInstanceLogs logs("host-1", host.directory, {});

    CHECK(logs.tail("host-1", kInstance, 1, kLimit) == Lines{"four"});
    CHECK(logs.tail("host-1", kInstance, 3, kLimit) == Lines{"two", "three", "four"});
    CHECK(logs.tail("host-1", kInstance, 100, kLimit) == Lines{"one", "two", "three", "four"});
}

TEST_CASE("a link in the log directory is not followed") {
    const Host host;
    host.write("postgresql-Mon.log", "mine\n");
    std::ofstream(host.directory / "foreign") << "not mine\n";
    std::filesystem::create_symlink(host.directory / "foreign", host.logs / "postgresql-Tue.log");
    AgentInstanceLogs logs("host-1", host.directory, {});

    CHECK(logs.tail("host-1", kInstance, 100, kLimit) == Lines{"mine"});
}

TEST_CASE("an instance without a log is not found") {
    const Host host;
    AgentInstanceLogs logs("host-1", host.directory, {});
    CHECK_THROWS_WITH_AS(logs.tail("host-1", kInstance, 1, kLimit),
                         "instance \"example-n1-689qacsi\" has no log yet on host host-1", Error);
    CHECK_THROWS_AS(logs.tail("host-1", "../../etc", 1, kLimit), Error);
}

TEST_CASE("the log of another host comes from its agent") {
    const Host host;
    host.write("postgresql-Mon.log", "one\ntwo\n");
    AgentInstanceLogs there("host-1", host.directory, {});
    Router router;
    there.add_peer_routes(router);
    AgentInstanceLogs here("host-2", "/nowhere", [&](const std::string& id) {
        CHECK(id == "host-1");
        return std::make_shared<RouterTransport>(router);
    });

    CHECK(here.tail("host-1", kInstance, 1, kLimit) == Lines{"two"});
    try {
        here.tail("host-1", "example-n9-689qacsi", 1, kLimit);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::not_found);
        CHECK(error.text() ==
              "instance \"example-n9-689qacsi\" has no log yet on host host-1, while reading the log of "
              "example-n9-689qacsi on host host-1");
    }
}

TEST_CASE("agents refuse each other nonsense") {
    const Host host;
    AgentInstanceLogs logs("host-1", host.directory, {});
    Router router;
    logs.add_peer_routes(router);
    for (const auto* lines : {"", "0", "-1", "x", "10001", "99999999999"}) {
        HttpRequest request;
        request.path = "/v1/internal/instances/" + kInstance + "/log";
        request.query = {{"lines", lines}};
        CHECK(router.handle(request).status == 400);
    }
}
