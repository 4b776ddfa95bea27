#include "agent/cluster_backups.hpp"

#include <fmt/format.h>

#include "agent/resources/local_session.hpp"
#include "agent/resources/pgbackrest.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kAskedByPeer{50};  ///< its own caller waits at most a minute

Json info_of(Runtime& runtime, const std::string& instance_id, const Limit& limit) {
    return PgBackRest(runtime, server_of(runtime, instance_id).paths).info(limit);
}

}  // namespace

NodeBackups ClusterBackups::list(const std::string& host_id, const std::string& instance_id, const Limit& limit) {
    if (host_id == host_id_) return backups_from_info(info_of(runtime_, instance_id, limit));
    const auto host = hosts_.find(host_id, limit);
    if (!host) throw Error(ErrorKind::not_found, "there is no host " + host_id);
    HttpRequest request;
    request.path = fmt::format("/internal/instances/{}/backups", instance_id);
    const auto answer = peers_.send(host_id, peer_address_of(*host), request, limit);
    const Json body = parse_json(answer.body);
    if (answer.status != 200)
        throw error_from_api(answer.status, body.value("name", ""), body.value("message", "no reason given"));
    return backups_from_info(body.at("info"));
}

void ClusterBackups::add_peer_routes(Api& agents, Runtime& runtime) {
    agents.add(Role::agent, "GET", "/internal/instances/{instance_id}/backups",
               [&runtime](const HttpRequest&, const PathParameters& path) {
                   HttpResponse answer;
                   answer.body = to_text(Json{{"info", info_of(runtime, path.at("instance_id"), Limit(kAskedByPeer))}});
                   return answer;
               });
}

}  // namespace pgedge
