#include "agent/cluster/join_exchange.hpp"

#include <optional>
#include <vector>

#include "agent/store/raft/node_info.hpp"
#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/base/text.hpp"
#include "common/net/http_client.hpp"
#include "common/net/tls.hpp"
#include "common/net/url.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kInvitationLimit = 5s;
constexpr auto kJoinLimit = 30s;
constexpr std::size_t kMaxAnswer = 1 << 20;
constexpr std::size_t kMaxAddresses = 16, kMaxAddress = 128;
constexpr std::size_t kLongestHostId = 63;  // of the first API; new ones have 36

void check_port(int port, const char* name) {
    if (port < 1 || port > 65535)
        throw Error(ErrorKind::invalid_input, std::string(name) + ": must be a port from 1 to 65535");
}

void check_address(const std::string& address) {
    if (address.empty() || address.size() > kMaxAddress)
        throw Error(ErrorKind::invalid_input, "peer_addresses: an address has 1 to 128 characters");
    if (parse_url("https://" + host_and_port(address, 1)).host != address)
        throw Error(ErrorKind::invalid_input, "peer_addresses: '" + address + "' is not an address");
}

/// The facts of a host that wants to join: it has the token, but is not to be believed blindly.
void check_joining(const Host& host) {
    if (!is_identifier(host.id, kLongestHostId))
        throw Error(ErrorKind::invalid_input, "host_id: '" + shortened(host.id, 80) + "' is not an identifier");
    if (host.peer_addresses.empty() || host.peer_addresses.size() > kMaxAddresses)
        throw Error(ErrorKind::invalid_input, "peer_addresses: a host has 1 to 16");
    for (const auto& address : host.peer_addresses) check_address(address);
    for (const auto& address : host.client_addresses) check_address(address);
    check_port(host.http_port, "http_port");
    check_port(host.peer_port, "peer_port");
    check_port(host.store_port, "store_port");
}

std::uint64_t node_id_from(const std::string& text) {
    if (const auto id = parse_node_id(text)) return *id;
    throw Error(ErrorKind::invalid_input, "node_id: not a number");
}

/// Reads JSON of another program with `read`; what is missing or of another type is Error{invalid_input}.
template <class Read>
auto read_json(const std::string& text, const char* what, Read read) {
    try {
        return read(parse_json(text));
    } catch (const Json::exception& error) {
        throw Error(ErrorKind::invalid_input, std::string("cannot understand ") + what + ": " + error.what());
    }
}

HttpResponse json_response(const OrderedJson& json) {
    HttpResponse response;
    response.body = to_text(json);
    return response;
}

HttpRequest post(const char* path, const Json& body) {
    HttpRequest request;
    request.method = "POST";
    request.path = path;
    request.body = to_text(body);
    return request;
}

[[noreturn]] void throw_answer(const HttpResponse& response) {
    const auto name = response.headers.find("goa-error");
    std::string message = shortened(response.body, 300);
    try {
        message = parse_json(response.body).at("message").get<std::string>();
    } catch (const std::exception&) {
        // Not an error of ours: show what came.
    }
    throw error_from_api(response.status, name == response.headers.end() ? std::string() : name->second, message);
}

Invitation invitation_from(const std::string& body) {
    return read_json(body, "the answer of the server", [](const Json& json) {
        Invitation invitation{json.at("host_id"), json.at("peer").get<std::string>(),
                              json.at("ca_cert").get<std::string>()};
        if (!is_identifier(invitation.host_id, kLongestHostId))
            throw Error(ErrorKind::invalid_input, "the server's host id is not an identifier");
        parse_url("https://" + invitation.peer);
        return invitation;
    });
}

JoinAnswer answer_from(const std::string& body) {
    return read_json(body, "the answer of the cluster", [](const Json& json) {
        JoinAnswer answer{json.at("cluster_id"),
                          {json.at("ca_cert"),
                           {json.at("certificate"), Secret(json.at("key").get<std::string>())},
                           Secret(from_base64(json.at("cluster_key").get<std::string>()))},
                          {}};
        for (const auto& host : json.at("hosts").items())
            answer.hosts[host.key()] = {host.value().at("store"), host.value().at("peer")};
        return answer;
    });
}

/// Steps 1 and 2: a place to ask whose authority is the token's.
Invitation invited_by(const Url& server, const JoinTokenParts& token, const std::optional<KeyPair>& own,
                      const Limit& limit) {
    HttpClientOptions options{.server = server, .own = own, .max_body = kMaxAnswer};
    options.any_certificate = true;  // whoever answers: the token's fingerprint decides what we believe
    HttpTransport transport(std::move(options));
    const auto response = transport.send(post(kInvitationPath, Json::object()), limit.no_longer_than(kInvitationLimit));
    if (response.status != 200) throw_answer(response);
    Invitation invitation = invitation_from(response.body);
    if (!equal_in_constant_time(fingerprint_of(invitation.authority), token.fingerprint))
        throw Error(ErrorKind::denied, "it belongs to another cluster than the token").named("invalid_join_token");
    return invitation;
}

/// Step 3. Errors that a proven server answered come as Refused, since no other server will say otherwise.
struct Refused {
    Error error;
};
JoinAnswer exchange(const Invitation& invitation, const JoinRequest& request, const Limit& limit) {
    HttpTransport transport({.server = parse_url("https://" + invitation.peer),
                             .authorities = invitation.authority,
                             .server_name = agent_dns_name(invitation.host_id),
                             .tls13_only = true,
                             .max_body = kMaxAnswer});
    Json body{{"secret", request.secret.reveal()},
              {"node_id", std::to_string(request.node_id)},
              {"host", to_json_text(request.host)}};
    if (request.replace) body["replace"] = true;  // earlier versions do not know it
    const auto response = transport.send(post(kJoinPath, body), limit.no_longer_than(kJoinLimit));
    if (response.status == 200) return answer_from(response.body);
    try {
        throw_answer(response);
    } catch (const Error& error) {
        if (response.status < 500) throw Refused{error};
        throw;
    }
}

}  // namespace

HttpResponse to_response(const Invitation& invitation) {
    return json_response(
        {{"host_id", invitation.host_id}, {"peer", invitation.peer}, {"ca_cert", invitation.authority}});
}

HttpResponse to_response(const JoinAnswer& answer) {
    OrderedJson hosts = OrderedJson::object();
    for (const auto& [id, address] : answer.hosts) hosts[id] = {{"store", address.store}, {"peer", address.peer}};
    return json_response({{"cluster_id", answer.cluster_id},
                          {"ca_cert", answer.credentials.authority},
                          {"certificate", answer.credentials.own.certificate},
                          {"key", answer.credentials.own.key.reveal()},
                          {"cluster_key", to_base64(answer.credentials.cluster_key.reveal())},
                          {"hosts", std::move(hosts)}});
}

JoinRequest join_request_from(const std::string& body) {
    return read_json(body, "the request to join", [](const Json& json) {
        JoinRequest request{Secret(json.at("secret").get<std::string>()), node_id_from(json.at("node_id")),
                            host_from_json(json.at("host")), json.value("replace", false)};
        check_joining(request.host);
        return request;
    });
}

JoinAnswer ask_to_join(const JoinToken& token, std::uint64_t node_id, const Host& self,
                       const std::optional<KeyPair>& own, const Limit& limit) {
    const JoinTokenParts parts = parse_join_token(token.token);
    if (token.server_urls.empty()) throw Error(ErrorKind::invalid_input, "server_urls: at least one is needed");
    std::vector<Url> servers;
    for (const auto& url : token.server_urls) servers.push_back(parse_url(url));

    std::vector<std::string> said;
    std::optional<Error> denied;
    for (const auto& server : servers) {
        limit.check("joining the cluster");
        try {
            return exchange(invited_by(server, parts, own, limit), {parts.secret, node_id, self, token.replace}, limit);
        } catch (const Refused& refused) {
            throw refused.error;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) throw;
            if (error.name() == "invalid_join_token") denied = error;
            const std::string where = to_string(server);
            said.push_back(error.text().find(where) == std::string::npos ? where + ": " + error.text() : error.text());
        }
    }
    if (denied) throw Error(ErrorKind::denied, joined(said, "; ")).named("invalid_join_token");
    throw Error(ErrorKind::unreachable, "no server of the cluster could be asked: " + joined(said, "; "),
                "check the server URLs (http:// or https://?), and that the agent's peer port is reachable from this "
                "host; where an API wants a certificate of this agent: http.client_cert and http.client_key");
}

}  // namespace pgedge
