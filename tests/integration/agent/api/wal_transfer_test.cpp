// WAL files of real servers: listed, sent, looked into, and taken in.
#include <algorithm>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/postgres/wal_name.hpp"
#include "common/base/subprocess.hpp"
#include "common/base/text.hpp"
#include "tests/integration/agent/api/postgres_ha_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;

namespace {

constexpr std::uint32_t kSegmentSize = 16U << 20U;

std::vector<std::string> files_of(const PostgresHaRig::Answer& answer) {
    REQUIRE_MESSAGE(answer.status == 200, answer.body);
    std::vector<std::string> names;
    for (const auto& each : answer.json()) names.push_back(each.at("file"));
    return names;
}

std::string md5sum(const std::filesystem::path& file) {
    Command command;
    command.argv = {"md5sum", file.string()};
    return run_or_throw(command, Limit(20s)).substr(0, 32);
}

/// What is in pg_wal beside segments, which come and go: what a refused upload must not change.
std::vector<std::string> others_in(const std::filesystem::path& wal) {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(wal))
        if (auto name = entry.path().filename().string(); !parse_wal_file_name(name, kSegmentSize))
            all.push_back(std::move(name));
    std::sort(all.begin(), all.end());
    return all;
}

struct WalRig : PostgresHaRig {
    WalRig() {
        // A handful of whole segments, on both sides.
        for (int i = 0; i < 4; ++i)
            machine().ask(kPrimary,
                          "SELECT pg_switch_wal() FROM pg_logical_emit_message(true, 'x', repeat('x', 100000))");
        machine().ask(kPrimary, "SELECT pg_logical_emit_message(false, 'x', 'the last')");
        const auto end = machine().ask(kPrimary, "SELECT pg_current_wal_flush_lsn()");
        REQUIRE(comes_true(
            [&] { return machine().ask(kReplica, "SELECT pg_last_wal_replay_lsn() >= '" + end + "'") == "t"; }));
    }
    std::string current() { return machine().ask(kPrimary, "SELECT pg_walfile_name(pg_current_wal_flush_lsn())"); }
    /// The whole segment before the current one, by so many.
    std::string earlier(int by) {
        auto segment = *parse_wal_file_name(current(), kSegmentSize);
        segment.number -= static_cast<std::uint64_t>(by);
        return wal_file_name(segment, kSegmentSize);
    }
};

/// code, and for 200 the code in the body.
std::string valid(WalRig& rig, std::uint32_t timeline, Lsn lsn) {
    const auto text = to_string(lsn);
    const auto answer = rig.get(1, "validLsn/" + std::to_string(timeline) + "/" + text);
    return std::to_string(answer.status) + "/" + std::to_string(answer.code());
}

Lsn number(const Json& lsn) { return parse_lsn(lsn.get<std::string>()); }

}  // namespace

TEST_CASE("WAL files are listed from a file or a position on, with their checksums and without recycled ones") {
    WalRig rig;
    const auto from = rig.earlier(3);
    const auto segment = *parse_wal_file_name(from, kSegmentSize);
    const auto lsn = to_string(start_of(segment, kSegmentSize));

    const auto listed = rig.get(1, "walFiles/" + from);
    const auto names = files_of(listed);
    CHECK(names.size() == 4);
    CHECK(std::is_sorted(names.begin(), names.end()));
    CHECK(names.front() == from);
    CHECK(names.back() == rig.current());
    CHECK(files_of(rig.get(1, "walFiles/1/" + lsn)) == names);
    CHECK(listed.json()[0].at("md5") == md5sum(rig.wal(kPrimary) / from));
    CHECK(files_of(rig.get(1, "walFiles/2/0/0")).empty());

    // After checkpoints the server keeps files for later, under names of the future and with old content.
    for (int i = 0; i < 2; ++i) rig.machine().ask(kPrimary, "CHECKPOINT");
    const auto later = files_of(rig.get(1, "walFiles/" + rig.earlier(0)));
    CHECK(later == std::vector<std::string>{rig.current()});
    for (const auto& entry : std::filesystem::directory_iterator(rig.wal(kPrimary)))
        if (const auto name = entry.path().filename().string(); name.size() == 24 && name > rig.current()) {
            CAPTURE(name);
            CHECK(rig.get(1, "walFile/" + name).status == 404);
        }
    const auto states = rig.get(1, "walFiles/" + from + "?detail=true").json();
    CHECK(states.back().at("state") == "current");
    CHECK(states.back().at("size") == kSegmentSize);

    for (const char* bad : {"walFiles/00000001000000000000000", "walFiles/00000001000000000000000a", "walFiles/x/0/0",
                            "walFiles/000000010000000000000100", "walFiles/1/0/xyz"})
        CHECK(rig.get(1, bad).code() == 20);
}

TEST_CASE("a WAL file is sent as it is, and told from one that is still written") {
    WalRig rig;
    const auto whole = rig.get(1, "walFile/" + rig.earlier(1));
    CHECK(whole.status == 200);
    CHECK(whole.headers.at("X-WAL-State") == "complete");
    CHECK(whole.headers.at("Content-Type") == "application/octet-stream");
    CHECK(whole.body == rig.wal_file(kPrimary, rig.earlier(1)));
    const auto current = rig.get(1, "walFile/" + rig.current());
    CHECK(current.headers.at("X-WAL-State") == "current");
    CHECK(number(Json(current.headers.at("X-WAL-End-LSN"))) >=
          start_of(*parse_wal_file_name(rig.current(), kSegmentSize), kSegmentSize));
    CHECK(rig.get(1, "walFile/000000010000000000FFFFFF").code() == 20);
    CHECK(rig.get(1, "walFile/0000000100000000000000FF").code() == 1);
    CHECK(rig.get(1, "walFile/00000007.history").code() == 1);

    const auto linked = rig.wal(kPrimary) / "0000000100000000000000AA";
    std::filesystem::create_symlink("/etc/hostname", linked);
    CHECK(rig.get(1, "walFile/0000000100000000000000AA").code() == 1);
    CHECK(rig.put(1, "0000000100000000000000AA", whole.body).status == 422);  // another segment's content
    CHECK(std::filesystem::is_symlink(linked));
}

TEST_CASE("a position is valid where a record begins") {
    WalRig rig;
    const auto last = number(rig.get(1, "lsn/current").json().at("host-1").at("lastLsn"));
    const auto text = to_string(last);
    const auto answer = rig.get(1, "validLsn/1/" + text);
    CHECK_MESSAGE(answer.json().at("code") == 0, answer.body);
    CHECK(answer.json().at("msg") == "Valid lsn");
    CHECK(std::stoi(answer.json().at("cnt").get<std::string>()) >= 1);
    // Nothing follows in this file, unless the server has just written something.
    CHECK(comes_true([&] {
        const auto newest = number(rig.get(1, "lsn/current").json().at("host-1").at("lastLsn"));
        return valid(rig, 1, {newest.bytes + 8}) == "200/3";
    }));
    const auto segment = *parse_wal_file_name(rig.earlier(1), kSegmentSize);
    const auto begin = start_of(segment, kSegmentSize);
    CHECK(valid(rig, 1, begin) == "200/4");
    const auto elsewhere = rig.get(1, "validLsn/1/" + to_string(begin)).json().at("msg").get<std::string>();
    CHECK(elsewhere.starts_with("rmgr: "));
    CHECK(valid(rig, 1, {begin.bytes + 0x29}) == "200/2");
    CHECK(valid(rig, 99, begin) == "404/1");
    CHECK(valid(rig, 1, {0xFF000028}) == "404/1");
}

TEST_CASE("a file that fits is taken in once, belongs to PostgreSQL and leaves nothing else") {
    WalRig rig;
    const auto name = rig.earlier(2);
    const auto bytes = rig.wal_file(kPrimary, name);
    std::filesystem::remove(rig.wal(kReplica) / name);

    const auto taken = rig.put(2, name, bytes);

    CHECK_MESSAGE(taken.status == 200, taken.body);
    CHECK(taken.body == R"({"code":0,"msg":"The file <)" + (rig.wal(kReplica) / name).string() + R"(> was uploaded"})");
    CHECK(rig.wal_file(kReplica, name) == bytes);
    struct stat facts {};
    REQUIRE(::stat((rig.wal(kReplica) / name).c_str(), &facts) == 0);
    CHECK(facts.st_uid == rig.machine().host.user().uid);
    CHECK((facts.st_mode & 07777) == 0600);
    {
        const auto other = rig.begin_upload(2, rig.earlier(1));
        CHECK(rig.put(2, name, bytes).code() == 24);  // one at a time
    }
    CHECK(rig.put(2, name, bytes).status == 200);  // the same again
    const std::string form =
        "--b\r\nContent-Disposition: form-data; name=\"data\"; filename=\"x\"\r\n\r\n" + bytes + "\r\n--b--\r\n";
    const Headers as_form{{"Content-Type", "multipart/form-data; boundary=b"}};
    CHECK(rig.call(2, "POST", "walFile/" + name, form, as_form).status == 200);
    auto flipped = bytes;
    flipped[5000] ^= 1;
    CHECK(rig.put(2, name, flipped).code() == 31);
    CHECK(rig.wal_file(kReplica, name) == bytes);
    CHECK(others_in(rig.wal(kReplica)) == std::vector<std::string>{"archive_status"});
    // The agent keeps nothing of it either.
    for (const auto& entry : std::filesystem::directory_iterator(rig.machine().host.data_dir() / "run"))
        CHECK_FALSE(entry.path().filename().string().starts_with("wal-"));
}

TEST_CASE("what is not the content of its name is refused and changes nothing") {
    WalRig rig;
    const auto name = rig.earlier(2);
    const auto bytes = rig.wal_file(kPrimary, name);
    std::filesystem::remove(rig.wal(kReplica) / name);
    const auto before = others_in(rig.wal(kReplica));
    const auto changed = [&](std::size_t at, char to) {
        auto other = bytes;
        other[at] = to;
        return other;
    };
    for (const auto& [field, content] : std::vector<std::pair<std::string, std::string>>{
             {"page magic", std::string(kSegmentSize, '\0')},
             {"system identifier", changed(24, static_cast<char>(bytes[24] + 1))},
             {"page address", rig.wal_file(kPrimary, rig.earlier(1))},
             {"segment size", changed(34, 2)},
             {"timeline", changed(4, 9)},
             {"length", bytes.substr(1)},
             {"length", "x"},
             {"length", bytes + "x"},
             {"number of records", bytes.substr(0, 40) + std::string(kSegmentSize - 40, '\0')}}) {
        const auto refused = rig.put(2, name, content);
        CAPTURE(refused.body);
        CHECK(refused.status == 422);
        CHECK(refused.code() == 30);
        CHECK(refused.json().at("field") == field);
    }
    CHECK(rig.put(2, name, std::string(kSegmentSize + (65 << 10), 'x')).code() == 28);
    for (const char* type : {"text/plain", "multipart/form-data", "application/json"})
        CHECK(rig.call(2, "PUT", "walFile/" + name, bytes, {{"Content-Type", type}}).code() == 20);
    CHECK(rig.call(2, "PUT", "walFile/" + name).code() == 20);
    const Headers as_form{{"Content-Type", "multipart/form-data; boundary=b"}};
    for (const char* form : {"--b--", "--b\r\nContent-Disposition: form-data; name=x\r\n\r\nx\r\n--b--", "nonsense"})
        CHECK(rig.call(2, "POST", "walFile/" + name, form, as_form).code() == 20);
    const std::string lower = "0000000100000000000000aa", shorter = name.substr(1), longer = name + "0";
    for (const auto& bad :
         {lower, shorter, longer, name + ".partial.x", std::string(300, '0'), std::string("..%2Fpostgresql.conf"),
          std::string("..%2f..%2fetc%2fpasswd"), std::string("%2e%2e"), std::string("000000000000000000000001")}) {
        CAPTURE(bad);
        CHECK(rig.put(2, bad, bytes).code() == 20);
    }
    CHECK(rig.put(2, "00000003.history", "1\t0/3000000\tmade up\n").code() == 32);
    CHECK(rig.put(2, "00000003.history", "3\t0/3000000\tof itself\n").code() == 20);
    CHECK(rig.put(2, "00000003.history", std::string(1 << 20, 'x')).code() == 28);
    // The primary's own next segments are its to write; an earlier one that is gone may come back.
    auto next = *parse_wal_file_name(rig.current(), kSegmentSize);
    std::filesystem::remove(rig.wal(kPrimary) / rig.earlier(-1));
    auto ahead = bytes;
    ++next.number;
    for (std::size_t i = 0; i < 8; ++i) ahead[8 + i] = static_cast<char>(start_of(next, kSegmentSize).bytes >> (8 * i));
    CHECK(rig.put(1, wal_file_name(next, kSegmentSize), ahead).status >= 400);
    CHECK(others_in(rig.wal(kReplica)) == before);
    CHECK_FALSE(std::filesystem::exists(rig.wal(kReplica) / name));
    rig.stop(kReplica);
    rig.start(kReplica);
    CHECK(comes_true([&] { return rig.get(2, "instance/current").body == R"({"host-2":"slave"})"; }));
}

TEST_CASE("a stopped instance's last segment may go on, and nothing else of it be changed") {
    WalRig rig;
    rig.stop(kReplica);
    const auto current = rig.current();
    rig.machine().ask(kPrimary, "SELECT pg_logical_emit_message(true, 'x', 'after the standby was stopped')");
    const auto bytes = rig.wal_file(kPrimary, current);

    auto other = bytes;
    other[0x30] ^= 1;
    CHECK(rig.put(2, current, other).status >= 400);
    const auto taken = rig.put(2, current, bytes);
    CHECK_MESSAGE(taken.status == 200, taken.body);
    CHECK(rig.wal_file(kReplica, current) == bytes);
    auto earlier = rig.wal_file(kPrimary, rig.earlier(1));
    earlier[5000] ^= 1;
    CHECK(rig.put(2, rig.earlier(1), earlier).code() == 31);
    rig.start(kReplica);
    CHECK(comes_true([&] { return rig.get(2, "instance/current").body == R"({"host-2":"slave"})"; }));
}

TEST_CASE("after a promotion the partial segment and the history are listed, sent and taken in") {
    WalRig rig;
    auto& machine = rig.machine();
    rig.stop(kPrimary);
    const auto last = [&] { return rig.get(2, "lsn/current").json().at("host-2"); };
    const auto before = number(last().at("lastLsn"));
    auto context = machine.context();
    auto with = settings();
    with["archive_mode"] = "on";
    with["archive_command"] = "/bin/true";
    machine.configs.apply(machine.config(kReplica, with), context);
    machine.host.owner().restart(kReplica, Limit(60s));
    const auto server = server_of(machine.host.runtime(), kReplica);
    machine.host.runtime().command({server.bin_dir, "pg_ctl", {"promote", "-w", "-D", server.paths.data().string()}},
                                   Limit(60s));
    machine.ask(kReplica, "CHECKPOINT");

    CHECK(last().at("timeLineID") == "2");
    CHECK(rig.get(2, "instance/all").body == R"({"host-2":"single","host-1":"inactive"})");
    const auto old = wal_file_name(segment_at(1, before, kSegmentSize), kSegmentSize);
    const auto names = files_of(rig.get(2, "walFiles/" + old));
    REQUIRE_MESSAGE(names.size() >= 3, joined(names, " "));
    CHECK(std::find(names.begin(), names.end(), "00000002.history") != names.end());
    const auto partial =
        std::find_if(names.begin(), names.end(), [](const std::string& name) { return name.ends_with(".partial"); });
    REQUIRE(partial != names.end());
    CHECK(rig.get(2, "walFile/" + *partial).headers.at("X-WAL-State") == "partial");
    const auto history = rig.get(2, "walFile/00000002.history");
    CHECK(history.headers.at("X-WAL-State") == "history");
    // A position of the old timeline, also where its segment is only a partial one.
    CHECK(rig.get(2, "validLsn/1/" + to_string(before)).json().at("code") == 0);
    CHECK(rig.put(2, "00000002.history", history.body).status == 200);
    CHECK(rig.put(2, "00000002.history", "1\t0/3000000\tanother\n").code() == 32);
    // The old primary knows nothing of that timeline: only its own history counts.
    CHECK(rig.put(1, "00000002.history", history.body).code() == 32);
}
