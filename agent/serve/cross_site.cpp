#include "agent/serve/cross_site.hpp"

namespace pgedge {

bool is_cross_site(const HttpRequest& request) {
    const auto header = [&](const char* name) {
        const auto found = request.headers.find(name);
        return found == request.headers.end() ? std::string() : found->second;
    };
    if (const auto site = header("Sec-Fetch-Site"); !site.empty() && site != "none" && site != "same-origin")
        return true;
    const auto origin = header("Origin"), host = header("Host");
    return !origin.empty() && origin != "http://" + host && origin != "https://" + host;
}

}  // namespace pgedge
