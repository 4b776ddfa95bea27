#include "agent/server_logs.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>

#include <fmt/format.h>

#include "agent/runtime/instance_paths.hpp"
#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kMostBytes = 4 << 20;
constexpr std::string_view kPath = "/internal/instances/";

std::optional<std::filesystem::path> newest_log(const std::filesystem::path& data_directory) {
    std::optional<std::filesystem::path> newest;
    std::filesystem::file_time_type time{};
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(data_directory / "log", error)) {
        const auto written = entry.last_write_time(error);
        if (error || !entry.is_regular_file(error)) continue;
        if (!newest || written > time) {
            newest = entry.path();
            time = written;
        }
    }
    return newest;
}

/// The last bytes of a file, from the start of a line.
std::string end_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) throw Error(ErrorKind::failed, "cannot read " + path.string());
    const auto size = static_cast<std::size_t>(file.tellg());
    const auto from = size > kMostBytes ? size - kMostBytes : 0;
    file.seekg(static_cast<std::streamoff>(from));
    std::string text(size - from, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (from > 0) text.erase(0, text.find('\n') + 1);
    return text;
}

}  // namespace

std::vector<std::string> tail_of_log(const std::filesystem::path& data_directory, int lines) {
    const auto log = newest_log(data_directory);
    if (!log) throw Error(ErrorKind::not_found, "this server has written no log yet");
    auto all = split(end_of(*log), '\n');
    if (!all.empty() && all.back().empty()) all.pop_back();
    const auto keep = std::min(all.size(), static_cast<std::size_t>(std::clamp(lines, 1, kMostLogLines)));
    all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(keep));
    return all;
}

std::vector<std::string> ServerLogs::tail(const std::string& host_id, const std::string& instance_id, int lines,
                                          const Limit& limit) {
    if (host_id == host_id_) return tail_of_log(InstancePaths(data_dir_, instance_id).data(), lines);
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

void ServerLogs::add_peer_routes(Router& router, const std::filesystem::path& data_dir) {
    router.add("GET", std::string(kPath) + "{instance_id}/log",
               [data_dir](const HttpRequest& request, const PathParameters& path) {
                   const auto wanted = request.parameter("lines").value_or("100");
                   int lines = 0;
                   std::from_chars(wanted.data(), wanted.data() + wanted.size(), lines);
                   const InstancePaths paths(data_dir, path.at("instance_id"));
                   HttpResponse answer;
                   answer.body = to_text(Json{{"lines", tail_of_log(paths.data(), lines)}});
                   return answer;
               });
}

}  // namespace pgedge
