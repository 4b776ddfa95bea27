#include "agent/api/control_plane/api_route.hpp"
#include "agent/api/control_plane/decode_error.hpp"
#include "agent/store/tables/cluster_level.hpp"
#include "common/api/shapes.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// An agent that starts its part of the store and waits for the others takes its time on a slow disk.
constexpr std::chrono::minutes kMembershipLimit{5};

[[noreturn]] void already_initialized() {
    throw Error(ErrorKind::conflict, "operation invalid on an initialized cluster")
        .named("cluster_already_initialized");
}

HttpResponse token_response(const JoinToken& token) {
    return json_response(join_token_shape().write({token.token, token.server_urls, {}}));
}

HttpResponse init(const ApiCall& call) {
    if (call.plane.membership.initialized()) already_initialized();
    const auto id = call.request.parameter("cluster_id");
    if (id) check_identifier("cluster_id", *id);
    return token_response(call.plane.membership.init(id, call.limit));
}

std::string text_at(const Json& body, const std::string& name) {
    const Json& value = body.at(name);
    if (!value.is_string()) throw invalid_field_type("body." + name, value.type_name(), "string");
    return value;
}

JoinToken token_of(const Json& body) {
    JoinToken token;
    for (const auto& item : body.items())
        if (item.key() != "token" && item.key() != "server_url" && item.key() != "server_urls" &&
            item.key() != "replace")
            throw Error(ErrorKind::invalid_input, "unknown field \"" + shortened(item.key(), 80) +
                                                      "\": a join takes token, server_urls and replace");
    if (!body.contains("token")) throw missing_field("token", "body");
    token.token = text_at(body, "token");
    if (body.contains("server_urls")) {
        const Json& urls = body.at("server_urls");
        if (!urls.is_array()) throw invalid_field_type("body.server_urls", urls.type_name(), "array");
        for (const auto& url : urls) {
            if (!url.is_string()) throw invalid_field_type("body.server_urls[*]", url.type_name(), "string");
            token.server_urls.push_back(url);
        }
    } else if (body.contains("server_url")) {
        token.server_urls.push_back(text_at(body, "server_url"));
    }
    if (token.server_urls.empty()) throw missing_field("server_urls", "body");
    if (body.contains("replace")) {
        if (!body.at("replace").is_boolean())
            throw invalid_field_type("body.replace", body.at("replace").type_name(), "boolean");
        token.replace = body.at("replace");
    }
    for (const auto& url : token.server_urls)
        if (!url.starts_with("http://") && !url.starts_with("https://"))
            throw invalid_format("body.server_urls[*]", url, "uri", "it begins with neither http:// nor https://");
    return token;
}

HttpResponse join(const ApiCall& call) {
    if (call.plane.membership.initialized()) already_initialized();
    call.plane.membership.join(token_of(call.body()), call.limit);
    return HttpResponse{.status = 204, .headers = {}, .body = {}, .stream = {}};
}

HttpResponse join_token(const ApiCall& call) { return token_response(call.plane.membership.join_token(call.limit)); }

HttpResponse show_cluster(const ApiCall& call) {
    return json_response(cluster_shape().write({call.plane.membership.cluster_id(), call.hosts().list(call.limit),
                                                cluster_level(call.cluster->store, Freshness::local, call.limit)}));
}

}  // namespace

std::vector<ApiRoute> cluster_routes() {
    return {
        {.method = "GET",
         .path = "/v1/cluster/init",
         .id = "init-cluster",
         .summary = "Make a cluster of this host alone; answers what other hosts need to join",
         .role = Role::admin,
         .parameters = {{"cluster_id", ApiParameterType::text, "The cluster's id; random when not given"}},
         .answer = "ClusterJoinToken",
         .throws = {"invalid_input", "operation_not_supported", "cluster_already_initialized"},
         .before_init = true,
         .at_most = kMembershipLimit,
         .run = init},
        {.method = "POST",
         .path = "/v1/cluster/join",
         .id = "join-cluster",
         .summary = "Make this host a member of the cluster that gave the token; answers when the host is ready",
         .role = Role::admin,
         .body = "ClusterJoinRequest",
         .status = 204,
         .throws = {"invalid_input", "invalid_join_token", "cluster_already_initialized", "unreachable", "timed_out"},
         .before_init = true,
         .at_most = kMembershipLimit,
         .run = join},
        {.method = "GET",
         .path = "/v1/cluster/join-token",
         .id = "get-join-token",
         .summary = "What another host needs to join",
         .role = Role::admin,
         .answer = "ClusterJoinToken",
         .throws = {"cluster_not_initialized"},
         .run = join_token},
        {.method = "GET",
         .path = "/v1/cluster",
         .id = "get-cluster",
         .summary = "The cluster and its hosts",
         .role = Role::read,
         .answer = "Cluster",
         .throws = {"cluster_not_initialized"},
         .run = show_cluster},
    };
}

}  // namespace pgedge
