#include "agent/api/health/health.hpp"

#include <algorithm>
#include <utility>

#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kShownName = 80;

OrderedJson body_of(const std::string& instance_id, const InstanceHealth& health) {
    OrderedJson body{{"instance_id", instance_id}, {"role", role_word(health)}, {"running", health.answers}};
    body["leader"] = health.leader;
    if (health.timeline > 0) body["timeline"] = health.timeline;
    if (health.term > 0) body["term"] = health.term;
    if (health.phase == ServerPhase::standby) body["streaming"] = health.streaming;
    if (health.lag_bytes) body["lag_bytes"] = *health.lag_bytes;
    body["age_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(health.age).count();
    return body;
}

}  // namespace

Api health_api(std::function<std::optional<InstanceHealth>(const std::string& instance_id)> health) {
    Api api({.name = "health checks", .prefixes = {"/instances"}});
    const auto handler = [health = std::move(health)](const HttpRequest& request, const PathParameters& path) {
        const auto& id = path.at("instance_id");
        const auto now = health(id);
        if (!now) throw Error(ErrorKind::not_found, "this host has no instance \"" + shortened(id, kShownName) + "\"");
        const auto check = path.find("check");
        const auto status = health_status(check == path.end() ? "" : check->second, request.query, *now);
        if (!status)
            throw Error(ErrorKind::not_found,
                        "there is no health check \"" + shortened(check->second, kShownName) + "\"",
                        "there are primary, replica, read-only, health, readiness and more");
        HttpResponse response;
        response.status = *status;
        response.body = to_text(body_of(id, *now));
        return response;
    };
    api.add(Role::anyone, "GET", "/instances/{instance_id}", handler);
    api.add(Role::anyone, "GET", "/instances/{instance_id}/{check}", handler);
    return api;
}

}  // namespace pgedge
