/// openapi_check DOCUMENT METHOD PATH STATUS CONTENT_TYPE GOA_ERROR BODY_FILE: for scripts; prints faults and exits 1.
#include <cstdio>
#include <exception>
#include <string>

#include "common/base/file.hpp"
#include "tests/contract/openapi_check.hpp"

int main(int count, char** words) try {
    if (count != 8) {
        std::fputs("usage: openapi_check DOCUMENT METHOD PATH STATUS CONTENT_TYPE GOA_ERROR BODY_FILE\n", stderr);
        return 2;
    }
    const pgedge::OpenApiCheck check(pgedge::Json::parse(pgedge::read_file(words[1])));
    pgedge::HttpResponse response;
    response.status = std::stoi(words[4]);
    response.headers["Content-Type"] = words[5];
    response.headers["goa-error"] = words[6];
    response.body = pgedge::read_file(words[7]);
    const auto faults = check.faults(words[2], words[3], response);
    for (const auto& fault : faults) std::printf("%s %s %s: %s\n", words[2], words[3], words[4], fault.c_str());
    return faults.empty() ? 0 : 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "openapi_check: %s\n", error.what());
    return 2;
}
