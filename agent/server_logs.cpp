#include "agent/server_logs.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "agent/runtime/server_log.hpp"
#include "common/base/error.hpp"
#include "common/base/json.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kPath = "/internal/instances/";

std::vector<std::string> tail_of_log(const InstancePaths& paths, int lines) {
    auto tail = last_log_lines(paths, static_cast<std::size_t>(std::clamp(lines, 1, kMostLogLines)));
    if (tail.empty()) throw Error(ErrorKind::not_found, paths.instance_id() + " has written no log yet");
    return tail;
}

}  // namespace

std::vector<std::string> ServerLogs::tail(const std::string& host_id, const std::string& instance_id, int lines,
                                          const Limit& limit) {
    if (host_id == host_id_) return tail_of_log(InstancePaths(data_dir_, instance_id), lines);
    const auto host = hosts_.find(host_id, limit);
    if (!host) throw Error(ErrorKind::not_found, "there is no host " + host_id);
    HttpRequest request;
    request.path = fmt::format("{}{}/log", kPath, instance_id);
    request.query = {{"lines", std::to_string(lines)}};
    const auto answer = peers_.send(host_id, peer_address_of(*host), request, limit);
    const Json body = parse_json(answer.body);
    if (answer.status != 200)
        throw error_from_api(answer.status, body.value("name", ""), body.value("message", "no reason given"));
    return body.at("lines").get<std::vector<std::string>>();
}

void ServerLogs::add_peer_routes(Api& agents, const std::filesystem::path& data_dir) {
    agents.add(Role::agent, "GET", std::string(kPath) + "{instance_id}/log",
               [data_dir](const HttpRequest& request, const PathParameters& path) {
                   const auto wanted = request.parameter("lines").value_or("100");
                   int lines = 0;
                   std::from_chars(wanted.data(), wanted.data() + wanted.size(), lines);
                   const InstancePaths paths(data_dir, path.at("instance_id"));
                   HttpResponse answer;
                   answer.body = to_text(Json{{"lines", tail_of_log(paths, lines)}});
                   return answer;
               });
}

}  // namespace pgedge
