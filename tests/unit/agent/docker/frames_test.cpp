#include "agent/docker/frames.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// GET /containers/NAME/logs of Docker 20.10: "echo out; echo err >&2".
const std::string kRecorded("\1\0\0\0\0\0\0\4out\n\2\0\0\0\0\0\0\4err\n", 24);

std::vector<std::string> lines_of(const std::string& stream, std::size_t part) {
    std::vector<std::string> lines;
    OutputFrames frames([&](std::string_view line) { lines.emplace_back(line); });
    for (std::size_t at = 0; at < stream.size(); at += part) frames.add(std::string_view(stream).substr(at, part));
    frames.end();
    return lines;
}

std::string frame(std::string text) {
    const auto size = text.size();
    std::string head("\1\0\0\0", 4);
    for (int shift = 24; shift >= 0; shift -= 8) head += static_cast<char>(size >> shift & 0xff);
    return head + text;
}

}  // namespace

TEST_CASE("output of both streams, cut anywhere, is lines") {
    for (std::size_t part = 1; part <= kRecorded.size(); ++part) {
        CAPTURE(part);
        CHECK(lines_of(kRecorded, part) == std::vector<std::string>{"out", "err"});
    }
}

TEST_CASE("a line over several frames is one, and the last needs no end") {
    CHECK(lines_of(frame("a b") + frame("c\n\nd") + frame("e"), 7) == std::vector<std::string>{"a bc", "", "de"});
}

TEST_CASE("a line without an end comes in parts") {
    const auto lines = lines_of(frame(std::string(OutputFrames::kMaxLine + 5, 'x') + "\n"), 4096);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].size() == OutputFrames::kMaxLine);
    CHECK(lines[1] == "xxxxx");
}

TEST_CASE("what is no frame is refused") {
    OutputFrames frames([](std::string_view) {});
    CHECK_THROWS_AS(frames.add("HTTP/1.1"), Error);
    OutputFrames huge([](std::string_view) {});
    CHECK_THROWS_AS(huge.add(std::string_view("\1\0\0\0\x7f\0\0\0", 8)), Error);
}

}  // namespace pgedge
