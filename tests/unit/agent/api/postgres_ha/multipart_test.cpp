#include "agent/api/postgres_ha/multipart.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

namespace {

// As curl -F data=@000000030000000000000018 sends it.
std::string form(const std::string& content = "WAL\r\nbytes") {
    return "--b1\r\nContent-Disposition: form-data; name=\"data\"; filename=\"000000030000000000000018\"\r\n"
           "Content-Type: application/octet-stream\r\n\r\n" +
           content + "\r\n--b1--\r\n";
}

}  // namespace

TEST_CASE("the boundary of a form is what its Content-Type says") {
    CHECK(multipart_boundary("multipart/form-data; boundary=b1") == "b1");
    CHECK(multipart_boundary("Multipart/Form-Data;charset=x; Boundary=\"b 1\"") == "b 1");
    CHECK_FALSE(multipart_boundary("application/octet-stream"));
    CHECK_FALSE(multipart_boundary(""));
    for (const char* bad :
         {"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
          "multipart/form-data; boundary",
          "multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789x"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(multipart_boundary(bad), Error);
    }
}

TEST_CASE("a form's file is what stands between its boundaries, whatever it holds") {
    for (const std::string& content :
         {std::string("x"), std::string(), std::string("WAL\r\n--b\r\n\0--", 12), std::string("\r\n")}) {
        CAPTURE(content);
        const auto body = form(content);
        const auto parts = parse_multipart(body, "b1");
        REQUIRE(parts.size() == 1);
        CHECK(parts[0].file_name == "000000030000000000000018");
        CHECK(parts[0].content == content);
    }
}

TEST_CASE("fields and several files are told apart") {
    const std::string body =
        "--b1\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n"
        "--b1\r\ncontent-disposition: form-data; filename=\"a \\\"b\\\"; c\"; name=x\r\n\r\n1\r\n"
        "--b1\r\n\r\nbare\r\n--b1--";
    const auto parts = parse_multipart(body, "b1");
    REQUIRE(parts.size() == 3);
    CHECK_FALSE(parts[0].file_name);
    CHECK(parts[0].content == "hello");
    CHECK(parts[1].file_name == "a \"b\"; c");
    CHECK_FALSE(parts[2].file_name);
    CHECK(parts[2].content == "bare");
    CHECK(parse_multipart("--b1--\r\n", "b1").empty());
}

TEST_CASE("a body that is cut off or no form is refused") {
    const auto whole = form();
    for (std::size_t size = 0; size < whole.size() - 4; ++size) {
        CAPTURE(size);
        CHECK_THROWS_AS(parse_multipart(std::string_view(whole).substr(0, size), "b1"), Error);
    }
    CHECK_THROWS_AS(parse_multipart(whole, "b2"), Error);
    CHECK_THROWS_AS(parse_multipart("x" + whole, "b1"), Error);
    CHECK_THROWS_AS(parse_multipart("--b1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n\r\n--b1--", "b1"), Error);
    std::string many;
    for (int i = 0; i < 20; ++i) many += "--b1\r\n\r\nx\r\n";
    CHECK_THROWS_AS(parse_multipart(many + "--b1--", "b1"), Error);
}
