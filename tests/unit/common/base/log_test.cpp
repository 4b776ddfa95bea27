#include "common/base/log.hpp"

#include <cstdlib>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/json.hpp"
#include "common/base/secret.hpp"
#include "tests/capture_bound.hpp"
#include "tests/fakes/memory_log.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;
using pgedge::testing::MemoryLog;

namespace {

constexpr std::size_t kTimeSize = sizeof "2026-11-21T10:00:00.123Z" - 1;

/// A log and what was written into it.
struct Written {
    explicit Written(LogLevel least = LogLevel::debug, Log::Format format = Log::Format::text)
        : log(sink, least, format) {}
    std::string last() const { return sink->lines().back().second; }
    /// The last line without its time.
    std::string said() const { return last().substr(kTimeSize + 1); }

    std::shared_ptr<MemoryLog> sink = std::make_shared<MemoryLog>();
    Log log;
};

/// Standard error goes into a file while this lives.
class StderrIntoFile {
public:
    explicit StderrIntoFile(const std::filesystem::path& path) : before_(::dup(STDERR_FILENO)) {
        const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        ::dup2(file.get(), STDERR_FILENO);
    }
    ~StderrIntoFile() { ::dup2(before_.get(), STDERR_FILENO); }

private:
    const Fd before_;
};

}  // namespace

TEST_CASE("a line has time, level, component, event and fields in their order") {
    Written written;

    written.log.component("engine").info("step done", {{"step", "create n1-a"}, {"took_ms", 12}, {"again", false}});

    CHECK(written.said() == R"(info engine: step done step="create n1-a" took_ms=12 again=false)");
    CHECK_NOTHROW(parse_rfc3339(written.last().substr(0, kTimeSize)));
}

TEST_CASE("a JSON line holds the same as strict JSON") {
    Written written(LogLevel::debug, Log::Format::json);

    written.log.component("engine").warn("step \"late\"", {{"took_ms", 12}, {"why", "a\nb"}});

    Json line = parse_json(written.last());
    CHECK_NOTHROW(parse_rfc3339(line.at("ts").get<std::string>()));
    line.erase("ts");
    CHECK(
        line ==
        Json{{"level", "warn"}, {"msg", "step \"late\""}, {"component", "engine"}, {"took_ms", "12"}, {"why", "a\nb"}});
}

TEST_CASE("only lines of the least level and above are written, each with its level") {
    Written written(LogLevel::warn);

    written.log.debug("a");
    written.log.info("b");
    written.log.warn("c");
    written.log.error("d");

    const auto lines = written.sink->lines();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].first == LogLevel::warn);
    CHECK(lines[0].second.ends_with("warn c"));
    CHECK(lines[1].first == LogLevel::error);
    CHECK(lines[1].second.ends_with("error d"));
}

TEST_CASE("levels are read by name, and a wrong name is answered with the right ones") {
    CHECK(parse_log_level("debug") == LogLevel::debug);
    CHECK(parse_log_level("error") == LogLevel::error);
    try {
        parse_log_level("INFO");
        FAIL("was taken");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::invalid_input);
        CHECK(error.text() == "'INFO' is not a log level");
        CHECK(error.hint() == "use debug, info, warn or error");
    }
}

TEST_CASE("values that could be taken for something else stand in quotes") {
    Written written;
    const std::pair<std::string, std::string> values[] = {
        {"plain-1.2/x", "plain-1.2/x"},  {"", R"("")"},         {"a b", R"("a b")"}, {"a=b", R"("a=b")"},
        {"say \"x\"", R"("say \"x\"")"}, {"a\\b", R"("a\\b")"}, {"grüße", "grüße"}};
    for (const auto& [value, shown] : values) {
        written.log.info("e", {{"v", value}});
        CHECK(written.said() == "info e v=" + shown);
    }
}

TEST_CASE("nothing in a value can begin a line or reach a terminal as a command") {
    for (const auto format : {Log::Format::text, Log::Format::json}) {
        Written written(LogLevel::debug, format);
        const std::pair<std::string_view, std::string_view> values[] = {{"x\n<0>forged", R"(x\n<0>forged)"},
                                                                        {"x\r\tx", R"(x\r\tx)"},
                                                                        {"\x1b[2J", R"(\u001b[2J)"},
                                                                        {{"a\0b", 3}, R"(a\u0000b)"},
                                                                        {"a\x7f"
                                                                         "b",
                                                                         R"(a\u007fb)"},
                                                                        {"\xc2\x9b"
                                                                         "2J",
                                                                         R"(\u009b2J)"}};
        for (const auto& [value, shown] : values) {
            written.log.info("e", {{"v", value}});
            CAPTURE_BOUND(shown);
            CHECK(written.said().find("\"" + std::string(shown) + "\"") != std::string::npos);
        }
    }
}

TEST_CASE("bytes that are no UTF-8 are replaced") {
    for (const auto format : {Log::Format::text, Log::Format::json}) {
        Written written(LogLevel::debug, format);
        written.log.info("e", {{"v",
                                "a\x9b"
                                "b"}});
        CHECK(written.last().find("\"a\xef\xbf\xbd"
                                  "b\"") != std::string::npos);
    }
}

TEST_CASE("a secret is no value for a log") {
    CHECK(std::is_constructible_v<std::string_view, std::string>);
    CHECK_FALSE(std::is_convertible_v<Secret, LogField>);
    CHECK_FALSE(std::is_constructible_v<std::string_view, Secret>);  // what LogField makes of its values
}

TEST_CASE("a named copy leaves the log it was made of without a name") {
    Written written;
    const Log store = written.log.component("store");

    written.log.info("one");
    CHECK(written.said() == "info one");
    store.component("mirror").info("two");
    CHECK(written.said() == "info mirror: two");
    CHECK(written.sink->lines().size() == 2);
}

TEST_CASE("standard error gets whole lines, with levels for journald where it reads them") {
    const pgedge::testing::TemporaryDirectory directory;
    const auto file = directory.path() / "stderr";
    {
        const StderrIntoFile redirected(file);
        ::unsetenv("JOURNAL_STREAM");
        Log::to_stderr(LogLevel::info).info("plain", {{"v", "a\nb"}});
        ::setenv("JOURNAL_STREAM", "8:1", 1);
        const Log journal = Log::to_stderr(LogLevel::info);
        journal.debug("unseen");
        journal.info("one");
        journal.error("two");
        ::unsetenv("JOURNAL_STREAM");
    }

    std::string text = read_file(file);
    for (auto at = text.find("Z "); at != std::string::npos; at = text.find("Z "))
        text.erase(at + 1 - kTimeSize, kTimeSize + 1);
    CHECK(text == "info plain v=\"a\\nb\"\n<6>info one\n<3>error two\n");
}
