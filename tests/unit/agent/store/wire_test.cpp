#include "agent/store/wire.hpp"

#include <cstring>
#include <thread>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/store/engine_node.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

template <class Number>
std::string raw(Number value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}
std::string word(std::uint64_t value) { return raw(value); }
std::string message(std::uint8_t type, const std::string& body) {
    return raw(static_cast<std::uint32_t>(body.size() / 8)) + raw(type) + std::string(3, '\0') + body;
}
std::string text(std::string words) {
    words += '\0';
    words.resize((words.size() + 7) / 8 * 8);
    return words;
}

/// A node that gives one answer, whatever it is asked.
class ScriptedNode {
public:
    explicit ScriptedNode(std::string answer) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path + 1, socket.data() + 1, socket.size() - 1);
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
        REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(listener_.get(), 1) == 0);
        thread_ = std::jthread([this, answer = std::move(answer)] {
            const Fd client(::accept(listener_.get(), nullptr, nullptr));
            char request[256];
            for (std::size_t got = 0; got < 16;) {  // the version, and the head of a request
                const auto received = ::recv(client.get(), request, sizeof request, 0);
                if (received <= 0) return;
                got += static_cast<std::size_t>(received);
            }
            ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
            ::recv(client.get(), request, sizeof request, 0);  // until the client has left
        });
    }
    ~ScriptedNode() { ::shutdown(listener_.get(), SHUT_RDWR); }
    const std::string socket = "@pgedge-wire-" + random_hex(6);

private:
    Fd listener_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::jthread thread_;
};

constexpr std::uint64_t kDone = ~std::uint64_t{0};

Rows rows_of(const std::string& answer) {
    const ScriptedNode node(answer);
    return WireConnection(node.socket, 2000ms).run({.sql = "SELECT 1"}).rows;
}

}  // namespace

TEST_CASE("rows of every type are read") {
    const std::string types("\x21\x43\x95\x0b\0\0\0\0", 8);  // int, real, text, blob, null, time, bool
    const auto rows =
        rows_of(message(7, word(7) + text("a") + text("b") + text("c") + text("d") + text("e") + text("f") + text("g") +
                               types + raw(std::int64_t{-7}) + raw(2.5) + text("words") + word(3) +
                               std::string("x\0y\0\0\0\0\0", 8) + word(0) + word(1234) + word(1) + word(kDone)));
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].integer(0) == -7);
    CHECK(std::get<double>(rows[0].values[1]) == 2.5);
    CHECK(rows[0].text(2) == "words");
    CHECK(rows[0].blob(3) == std::string("x\0y", 3));
    CHECK(rows[0].null(4));
    CHECK(rows[0].integer(5) == 1234);
    CHECK(rows[0].integer(6) == 1);
}

TEST_CASE("a refusal carries the engine's code and text") {
    const ScriptedNode node(message(0, word(engine_code::kNotLeader) + text("not leader")));
    WireConnection connection(node.socket, 2000ms);
    try {
        connection.execute("BEGIN IMMEDIATE");
        FAIL("it was taken");
    } catch (const SqliteError& error) {
        CHECK(error.code() == engine_code::kNotLeader);
        CHECK(error.text().find("not leader") != std::string::npos);
    }
    CHECK_FALSE(connection.broken());
}

TEST_CASE("an answer whose sizes are lies is an error, not a crash") {
    const std::string head = word(1) + text("a");
    for (const auto& body : {
             std::string(),
             word(kDone),
             word(std::uint64_t{1} << 40) + text("a"),
             head,
             head + word(4),
             head + word(4) + word(std::uint64_t{1} << 60),
             head + word(3) + std::string(8, 'x'),
             head + word(7) + word(1),
             word(0) + word(0),
             word(1) + std::string(8, 'x'),
         }) {
        CAPTURE(body.size());
        CHECK_THROWS_AS(rows_of(message(7, body)), Error);
    }
    CHECK_THROWS_AS(rows_of(message(200, word(0))), Error);
    CHECK_THROWS_AS(rows_of(raw(std::uint32_t{0xffffffff}) + raw(std::uint32_t{7})), Error);
    CHECK_THROWS_AS(rows_of(message(7, head).substr(0, 12)), Error);
    CHECK_THROWS_AS(rows_of(message(0, word(1))), Error);
}

TEST_CASE("a node that does not answer costs the limit, and the connection is not used again") {
    const ScriptedNode node("");
    WireConnection connection(node.socket, 50ms);
    try {
        connection.leader();
        FAIL("there was no answer");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::timed_out);
    }
    CHECK(connection.broken());
    CHECK_THROWS_AS(connection.leader(), Error);
    CHECK_THROWS_AS(WireConnection("@pgedge-nobody-" + random_hex(6), 50ms), Error);
}

TEST_CASE("a statement that is run often works on after a refusal, an undone transaction and a change of its table") {
    const testing::TemporaryDirectory directory;
    EngineNode node({.id = EngineNode::kFounder,
                     .address = "host-1",
                     .directory = directory.path(),
                     .connect = [](void*, const char*, int*) { return 1; }});
    WireConnection connection(node.socket(), 5000ms);
    for (const Limit limit(5s); connection.leader().id != EngineNode::kFounder;) REQUIRE(limit.pause(5ms));
    connection.open("test");
    connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)");
    const auto add = [&](std::int64_t a, SqlValue b) {
        return connection.run_often({.sql = "INSERT INTO t(a, b) VALUES (?, ?)", .args = {a, std::move(b)}}).changes;
    };
    const auto find = [&](std::int64_t a) {
        return connection.run_often({.sql = "SELECT b FROM t WHERE a = ?", .args = {a}}).rows;
    };

    CHECK(add(1, "one") == 1);
    CHECK_THROWS_AS(add(1, "one again"), SqliteError);
    CHECK(add(2, nullptr) == 1);
    CHECK(find(1).at(0).text(0) == "one");
    CHECK(find(2).at(0).null(0));
    CHECK(find(3).empty());

    connection.execute("BEGIN IMMEDIATE");
    CHECK(add(3, "three") == 1);
    CHECK_THROWS_AS(add(1, "one again"), SqliteError);
    connection.execute("ROLLBACK");
    CHECK(find(3).empty());
    connection.execute("BEGIN IMMEDIATE");
    CHECK(add(3, "three") == 1);
    connection.execute("COMMIT");
    CHECK(find(3).at(0).text(0) == "three");

    connection.execute("ALTER TABLE t ADD COLUMN c TEXT");
    CHECK(add(4, "four") == 1);
    CHECK(find(4).at(0).text(0) == "four");
    CHECK_THROWS_AS(connection.run_often({.sql = "SELECT nothing FROM t"}), SqliteError);
    for (std::int64_t i = 0; i < 200; ++i)  // more than are kept prepared
        CHECK(connection.run_often({.sql = "SELECT a + " + std::to_string(i) + " FROM t WHERE a = 4"})
                  .rows.at(0)
                  .integer(0) == 4 + i);
    CHECK(find(1).at(0).text(0) == "one");
}
