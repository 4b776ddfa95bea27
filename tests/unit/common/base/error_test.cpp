#include "common/base/error.hpp"

#include <cerrno>

#include <doctest/doctest.h>

using namespace pgedge;

namespace {

constexpr ErrorKind kAllKinds[] = {ErrorKind::invalid_input, ErrorKind::not_found,   ErrorKind::conflict,
                                   ErrorKind::denied,        ErrorKind::unreachable, ErrorKind::timed_out,
                                   ErrorKind::cancelled,     ErrorKind::failed,      ErrorKind::internal};

}  // namespace

TEST_CASE("every kind has the exit code and the HTTP status that users rely on") {
    const auto codes = [](ErrorKind kind) {
        const Error error(kind, "x");
        return std::pair(error.exit_code(), error.http_status());
    };
    CHECK(codes(ErrorKind::invalid_input) == std::pair(7, 400));
    CHECK(codes(ErrorKind::not_found) == std::pair(4, 404));
    CHECK(codes(ErrorKind::conflict) == std::pair(6, 409));
    CHECK(codes(ErrorKind::denied) == std::pair(5, 403));
    CHECK(codes(ErrorKind::unreachable) == std::pair(1, 503));
    CHECK(codes(ErrorKind::timed_out) == std::pair(3, 504));
    CHECK(codes(ErrorKind::cancelled) == std::pair(9, 503));
    CHECK(codes(ErrorKind::failed) == std::pair(1, 500));
    CHECK(codes(ErrorKind::internal) == std::pair(1, 500));
}

TEST_CASE("failures inside are one thing to the API and two to us") {
    CHECK(Error(ErrorKind::failed, "x").name() == "server_error");
    CHECK(Error(ErrorKind::internal, "x").name() == "server_error");
    CHECK(to_string(ErrorKind::failed) == "failed");
    CHECK(to_string(ErrorKind::internal) == "internal");
}

TEST_CASE("only what may pass by itself is transient") {
    for (const auto kind : kAllKinds) {
        CAPTURE(to_string(kind));
        CHECK(Error(kind, "x").transient() == (kind == ErrorKind::unreachable || kind == ErrorKind::timed_out));
    }
}

TEST_CASE("a name of the API brings its own status and keeps kind, text and hint") {
    const Error error = Error(ErrorKind::denied, "the token is used up", "ask for another").named("invalid_join_token");

    CHECK(error.name() == "invalid_join_token");
    CHECK(error.http_status() == 401);
    CHECK(error.kind() == ErrorKind::denied);
    CHECK(error.text() == "the token is used up");
    CHECK(error.hint() == "ask for another");
}

TEST_CASE("a name that the API does not have is our own mistake") {
    try {
        throw Error(ErrorKind::conflict, "x").named("no_such_name");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::internal);
        CHECK(error.text() == "no API error is called no_such_name");
    }
}

TEST_CASE("an error on its way out learns what was being done, innermost first") {
    try {
        within("applying the plan", [] {
            within("starting n1-a", [] { throw Error(ErrorKind::conflict, "port 5432 is taken", "free it"); });
        });
        FAIL("the error was lost");
    } catch (const Error& error) {
        CHECK(std::string(error.what()) == "port 5432 is taken, while starting n1-a, while applying the plan");
        CHECK(error.kind() == ErrorKind::conflict);
        CHECK(error.hint() == "free it");
    }
}

TEST_CASE("work that succeeds gives its value, and errors of others pass as they are") {
    CHECK(within("counting", [] { return 42; }) == 42);
    CHECK_THROWS_WITH_AS(within("counting", [] { throw std::runtime_error("not ours"); }), "not ours",
                         std::runtime_error);
}

TEST_CASE("the error of an API answer is the one its name means, when its status agrees") {
    const Error stale = error_from_api(409, "stale_plan", "made for revision 4");

    CHECK(stale.name() == "stale_plan");
    CHECK(stale.kind() == ErrorKind::conflict);
    CHECK(stale.text() == "made for revision 4");
    CHECK(error_from_api(404, "stale_plan", "x").kind() == ErrorKind::not_found);
}

TEST_CASE("without a name that is known, the status says what kind of error an answer is") {
    const auto kind = [](int status) { return error_from_api(status, "made_up", "x").kind(); };

    CHECK(kind(400) == ErrorKind::invalid_input);
    CHECK(kind(401) == ErrorKind::denied);
    CHECK(kind(403) == ErrorKind::denied);
    CHECK(kind(404) == ErrorKind::not_found);
    CHECK(kind(409) == ErrorKind::conflict);
    CHECK(kind(418) == ErrorKind::invalid_input);
    CHECK(kind(500) == ErrorKind::failed);
    CHECK(kind(502) == ErrorKind::failed);
    CHECK(kind(503) == ErrorKind::unreachable);
    CHECK(kind(504) == ErrorKind::timed_out);
}

TEST_CASE("an error survives the way through the API") {
    for (const auto kind : kAllKinds) {
        const Error sent(kind, "text");

        const Error got = error_from_api(sent.http_status(), sent.name(), sent.text());

        CAPTURE(to_string(kind));
        CHECK(got.name() == sent.name());
        CHECK(got.exit_code() == sent.exit_code());
    }
}

TEST_CASE("an error number is told in words and as a number") {
    CHECK(errno_text(ENOENT) == "No such file or directory (errno 2)");
}
