#include "common/model/host.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "tests/capture_bound.hpp"

using namespace pgedge;

namespace {

Host full_host() {
    Host host;
    host.id = "host-1";
    host.runtime = "process";
    host.data_dir = "/var/lib/pgedge";
    host.peer_addresses = {"10.0.0.1", "fd00::1"};
    host.client_addresses = {"192.0.2.1"};
    host.http_port = 3001;
    host.peer_port = 2479;
    host.store_port = 2480;
    host.http_tls = true;
    host.cpus = 8;
    host.memory_bytes = 34'359'738'368;
    host.installations = {{"17.10", "/opt/17/bin", {{"spock", "5.0.4"}}}, {"16.1", "/opt/16/bin", {}}};
    host.versions = {{"17.10", "spock", "5.0.4", "/opt/17/bin"}, {"15.18", "pglogical", "2.4.2", "/opt/15/bin"}};
    host.agent_version = "0.10.0";
    host.voter = true;
    host.state = HostState::degraded;
    host.updated_at = WallTime(std::chrono::milliseconds(1'800'000'000'123));
    host.components["etcd"] = {true, "", {{"role", "voter"}}};
    host.components["disk"] = {false, "full", Json::object()};
    return host;
}

}  // namespace

TEST_CASE("a host comes back from its stored form as it was") {
    const Host host = full_host();
    const Json stored = to_json_text(host);
    const Host back = host_from_json(parse_json(to_text(stored)));

    CHECK(to_json_text(back) == stored);
    CHECK(back.versions == host.versions);
    CHECK(back.installations == host.installations);
    Json older = Json::parse(to_text(to_json_text(host)));
    older.erase("installations");
    CHECK(host_from_json(older).installations.empty());
    CHECK(back.components == host.components);
    CHECK(back.updated_at == host.updated_at);
    CHECK(back.peer_addresses == host.peer_addresses);
    CHECK(back.versions.front().major() == 17);
}

TEST_CASE("a stored host with a missing or wrong field is refused, not guessed") {
    const Json stored = to_json_text(full_host());
    for (const auto& [name, value] : stored.items()) {
        CAPTURE_BOUND(name);
        Json without = stored, wrong = stored;
        if (name == "installations") continue;  // hosts that were stored before it was have none
        without.erase(name);
        wrong[name] = Json::array({Json::array()});
        CHECK_THROWS_AS(host_from_json(wrong), Error);
        if (name == "level")
            CHECK(host_from_json(without).level == 1);  // the first version told none
        else
            CHECK_THROWS_AS(host_from_json(without), Error);
    }
}
