// What instances are, told of real servers that start, stop and die.
#include <csignal>

#include <doctest/doctest.h>

#include "common/model/lsn.hpp"
#include "tests/integration/agent/api/postgres_ha_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;

namespace {

/// "{"host-1":"master",…}" as seen from host-1.
std::string states(PostgresHaRig& rig, int host = 1) { return rig.get(host, "instance/all").body; }

Lsn last_lsn(PostgresHaRig& rig, int host) {
    const auto answer = rig.get(host, "lsn/current");
    REQUIRE_MESSAGE(answer.status == 200, answer.body);
    return parse_lsn(answer.json().begin()->at("lastLsn").get<std::string>());
}

}  // namespace

TEST_CASE("states, recovery and log positions follow what the servers are") {
    PostgresHaRig rig;
    auto& runtime = rig.machine().host.runtime();

    CHECK(rig.get(1, "instance/current").body == R"({"host-1":"master"})");
    CHECK(states(rig, 1) == R"({"host-1":"master","host-2":"slave"})");
    CHECK(states(rig, 2) == R"({"host-2":"slave","host-1":"master"})");
    CHECK(rig.get(1, "in_recovery").body == R"({"in_recovery":"f"})");
    CHECK(rig.get(2, "in_recovery").body == R"({"in_recovery":"t"})");
    const auto detail = rig.get(1, "instance/all?detail=true").json();
    CHECK(detail.at("host-2").at("role") == "replica");
    CHECK(detail.at("host-2").at("timeline") == 1);
    CHECK(detail.at("host-2").at("wanted") == "running");

    const auto lsn = rig.get(1, "lsn/all").json();
    for (const char* host : {"host-1", "host-2"}) {
        CHECK(lsn.at(host).at("timeLineID") == "1");
        CHECK(lsn.at(host).at("lastTimeLineID") == "1");
        CHECK(lsn.at(host).at("walFile").get<std::string>().size() == 24);
    }
    // lsn/current is where the last record begins: a record of known place follows what was the end before.
    rig.machine().ask(kPrimary, "SELECT pg_switch_wal()");
    const auto end = rig.machine().ask(kPrimary, "SELECT pg_logical_emit_message(false, 'p', 'x')");
    // Such a message goes to the disk with what comes after it, or by the walwriter.
    REQUIRE(comes_true(
        [&] { return parse_lsn(end) <= parse_lsn(rig.machine().ask(kPrimary, "SELECT pg_current_wal_flush_lsn()")); }));
    CHECK(last_lsn(rig, 1) < parse_lsn(end));
    CHECK(bytes_between(last_lsn(rig, 1), parse_lsn(end)) < 200);

    // A reader of the log that is no instance of the node makes no master.
    rig.machine().ask(kPrimary, "SELECT pg_create_logical_replication_slot('other', 'test_decoding')");

    rig.stop(kReplica);
    CHECK(states(rig) == R"({"host-1":"single","host-2":"inactive"})");
    CHECK(rig.get(2, "in_recovery").status == 503);
    CHECK(rig.get(2, "in_recovery").code() == 26);
    const auto stopped = last_lsn(rig, 2);
    CHECK(rig.get(2, "instance/all?detail=true").json().at("host-2").at("role") == "replica");

    rig.start(kReplica);
    CHECK(comes_true([&] { return states(rig) == R"({"host-1":"master","host-2":"slave"})"; }));
    CHECK(last_lsn(rig, 2) >= stopped);

    // Without a primary a standby at rest is alone; with its server killed, the control file has no say.
    rig.stop(kPrimary);
    CHECK(comes_true([&] { return states(rig, 2) == R"({"host-2":"single","host-1":"inactive"})"; }));
    CHECK(rig.get(2, "instance/current").body == R"({"host-2":"single"})");
    CHECK(rig.get(2, "instance/current?detail=true").json().at("host-2").at("role") == "replica");
    const auto shut_down = rig.get(1, "lsn/current").json().at("host-1");
    CHECK(parse_lsn(shut_down.at("chkPoint").get<std::string>()) ==
          parse_lsn(shut_down.at("lastLsn").get<std::string>()));

    rig.silent = true;
    CHECK(states(rig, 2) == R"({"host-2":"single","host-1":"unknown"})");
    CHECK(rig.get(2, "lsn/all").json().at("host-1").at("code") == 34);
    rig.silent = false;

    rig.start(kPrimary);
    CHECK(comes_true([&] { return states(rig) == R"({"host-1":"master","host-2":"slave"})"; }));
    rig.machine().host.end_owner();
    ::kill(rig.machine().host.postmaster_pid(server_of(runtime, kReplica)), SIGKILL);
    CHECK(comes_true([&] { return states(rig) == R"({"host-1":"single","host-2":"inactive"})"; }));
}

TEST_CASE("slots are told by their files and by the server") {
    PostgresHaRig rig;
    auto& machine = rig.machine();
    machine.ask(kPrimary, "SELECT pg_create_logical_replication_slot('decoded', 'test_decoding', false, true)");
    machine.ask(kPrimary, "CHECKPOINT");

    for (const char* name : {"decoded", kSlot}) {
        CAPTURE(name);
        const auto slot = rig.get(1, std::string("slot/") + name + "/all");
        REQUIRE_MESSAGE(slot.status == 200, slot.body);
        CHECK(slot.json().at("file").at("crc_ok") == true);
        // The standby reads on: its own slot's restart_lsn may be newer than the file.
        if (name != std::string(kSlot)) CHECK_MESSAGE(slot.json().at("differs") == Json::array(), slot.body);
        CHECK(slot.json().at("sql").at("slot_name") == name);
    }
    const auto decoded = rig.get(1, "slot/decoded/all").json();
    CHECK(decoded.at("plugin") == "test_decoding");
    CHECK(decoded.at("file").at("two_phase") == true);
    CHECK(decoded.at("oid") == to_text(decoded.at("sql").at("datoid")));
    CHECK(rig.get(1, "slot/decoded/lsn").json().at("confirmed_flush") == decoded.at("confirmed_flush"));
    CHECK(rig.get(1, "slots/meta").json().at("decoded") == decoded.at("confirmed_flush"));
    CHECK(rig.get(2, "slots/all").json().at("host-1").at("decoded") == decoded.at("confirmed_flush"));
    const auto file = machine.paths(kPrimary).data() / "pg_replslot" / "decoded" / "state";
    const auto raw = rig.get(1, "slot/decoded/file");
    CHECK(raw.body == read_file(file));
    CHECK(raw.headers.at("Content-Type") == "application/octet-stream");

    CHECK(rig.get(1, "slot/none/all").status == 404);
    CHECK(rig.get(1, "slot/none/all").code() == 1);
    rig.stop(kPrimary);
    CHECK(rig.get(1, "slot/decoded/all").json().at("sql").is_null());
    machine.host.user().write_file(file, "nonsense", 0600);
    CHECK(rig.get(1, "slot/decoded/all").json().at("file").contains("error"));
    CHECK(rig.get(1, "slot/decoded/all").status == 200);
    CHECK(rig.get(1, "slots/meta").json().at("decoded").is_null());
}
