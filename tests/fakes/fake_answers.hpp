#pragma once

#include <string>

#include "common/base/json.hpp"
#include "common/net/http.hpp"

// What the parts of FakeAgent answer with.
namespace pgedge::fake {

inline constexpr const char* kThen = "2026-11-21T10:00:00Z";

inline HttpResponse json(const Json& body, int status = 200) {
    return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = to_text(body), .stream = {}};
}
inline HttpResponse error(int status, const std::string& name, const std::string& message) {
    HttpResponse response = json({{"name", name}, {"message", message}}, status);
    response.headers["goa-error"] = name;
    return response;
}

}  // namespace pgedge::fake
