#include "agent/api/instance_logs.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "agent/runtime/server_log.hpp"
#include "agent/serve/router.hpp"
#include "common/base/json.hpp"

namespace pgedge {
namespace {

int lines_of(const HttpRequest& request) {
    const std::string text = request.parameter("lines").value_or("");
    int lines = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), lines);
    if (error != std::errc{} || end != text.data() + text.size() || lines < 1 || lines > kMostLogLines)
        throw Error(ErrorKind::invalid_input, "lines is not a number from 1 to " + std::to_string(kMostLogLines));
    return lines;
}

}  // namespace

AgentInstanceLogs::AgentInstanceLogs(std::string host_id, std::filesystem::path data_dir, PeerTransport peers)
    : host_id_(std::move(host_id)), data_dir_(std::move(data_dir)), peers_(std::move(peers)) {}

std::vector<std::string> AgentInstanceLogs::own_tail(const std::string& instance_id, int lines) const {
    auto tail = last_log_lines(InstancePaths(data_dir_, instance_id), static_cast<std::size_t>(lines));
    if (tail.empty())
        throw Error(ErrorKind::not_found, "instance \"" + instance_id + "\" has no log yet on host " + host_id_);
    return tail;
}

std::vector<std::string> AgentInstanceLogs::tail(const std::string& host_id, const std::string& instance_id, int lines,
                                                 const Limit& limit) {
    if (host_id == host_id_) return own_tail(instance_id, lines);
    return within("reading the log of " + instance_id + " on host " + host_id, [&] {
        HttpRequest request;
        request.path = "/v1/internal/instances/" + instance_id + "/log";
        request.query = {{"lines", std::to_string(lines)}};
        const auto response = peers_(host_id)->send(request, limit);
        const Json answer = parse_json(response.body);
        if (response.status != 200)
            throw error_from_api(response.status, answer.value("name", ""), answer.value("message", ""));
        return answer.at("lines").get<std::vector<std::string>>();
    });
}

void AgentInstanceLogs::add_peer_routes(Router& router) {
    router.add("GET", "/v1/internal/instances/{instance_id}/log",
               [this](const HttpRequest& request, const PathParameters& path) {
                   HttpResponse response;
                   response.body = to_text(Json{{"lines", own_tail(path.at("instance_id"), lines_of(request))}});
                   return response;
               });
}

}  // namespace pgedge
