#include "agent/api/postgres_ha/call.hpp"

#include <algorithm>
#include <iterator>
#include <thread>

#include <fmt/format.h>

#include "agent/api/postgres_ha/faults.hpp"
#include "agent/ha/manual_mode.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/orchestrate/names.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kCallLimit = 120s;
constexpr auto kModeLimit = 1s;
constexpr std::string_view kPrefix = "/api/pg/v1", kNodePrefix = "/db/{database_id}/{node}/api/pg/v1";
constexpr std::string_view kPlain = "text/plain; charset=utf-8", kJson = "application/json";
constexpr std::size_t kShownWord = 60;

std::string content_type_for(const HttpRequest& request) {
    const auto accept = request.headers.find("Accept");
    const bool json = accept != request.headers.end() && accept->second.find(kJson) != std::string::npos;
    return std::string(json ? kJson : kPlain);
}

void check_query(const PgRoute& route, const HttpRequest& request) {
    for (const auto& [key, value] : request.query) {
        const bool known = std::find(route.query.begin(), route.query.end(), key) != route.query.end();
        if (!known)
            throw pg_failure(PgFault::invalid_parameter,
                             "there is no query parameter \"" + shortened(key, kShownWord) + "\" here");
        if (key == "rejoin") {
            if (value != "rewind" && value != "backup")
                throw pg_failure(PgFault::invalid_parameter, "query parameter rejoin is rewind or backup");
            continue;
        }
        if (value != "true" && value != "false")
            throw pg_failure(PgFault::invalid_parameter, "query parameter " + key + " is true or false");
    }
}

void check_body(const PgRoute& route, const HttpRequest& request) {
    if (route.body_terms) return;
    const auto body = trimmed(request.body);
    if (!body.empty() && body != "{}") throw pg_failure(PgFault::invalid_parameter, "this call takes no body");
}

/// Whether scripts look after the call's node; nullopt: it cannot be said now.
std::optional<std::string> mode_of(const PgCall& call) {
    try {
        const auto node = call.node();
        // What a change has just stored need not have come to this host's copy yet.
        const bool changes = call.request.method == "POST" || call.request.method == "DELETE";
        const auto mode =
            ManualModes(call.services()->store)
                .find(node.database_id, node.name, Limit(kModeLimit), changes ? Freshness::leader : Freshness::local);
        if (!mode) return "auto";
        return fmt::format("manual; since={}; until={}; reason=\"{}\"", to_rfc3339(mode->since),
                           to_rfc3339(mode->until), mode->reason);
    } catch (const Error&) {
        return std::nullopt;
    } catch (const Failure&) {
        return std::nullopt;
    }
}

void add(Api& api, const PostgresHa& ha, const PgRoute& route) {
    const auto handler = [route, ha](const HttpRequest& request, const PathParameters& path) {
        check_segments(request);
        check_query(route, request);
        check_body(route, request);
        const PgCall call{ha, request, path, Limit(kCallLimit, request.stop)};
        auto response = route.handler(call);
        if (const auto mode = mode_of(call)) response.headers["X-PG-HA-Mode"] = *mode;
        return response;
    };
    BodyGate gate;
    if (route.body_terms)
        gate = [route, ha](const HttpRequest& head, const PathParameters& path) {
            check_segments(head);
            check_query(route, head);
            return route.body_terms({ha, head, path, Limit(kCallLimit, head.stop)});
        };
    for (const auto prefix : {kPrefix, kNodePrefix})
        api.add(route.role, route.method, std::string(prefix) + route.path, handler, gate);
}

void delete_leftovers(const PostgresHa& ha, const Log& log) {
    const auto tried = [&](const std::string& what, const auto& work) {
        try {
            work();
        } catch (const Error& error) {
            log.warn("what an upload left is not deleted", {{"of", what}, {"error", error.what()}});
        }
    };
    tried("the agent", [&] { WalScratch::delete_leftovers(ha.data_dir); });
    for (const auto& server : ha.runtime.known()) {
        const auto data = server.paths.data();
        std::error_code error;
        if (std::filesystem::exists(data / "pg_wal", error))
            tried(server.instance_id(), [&] { WalDirectory(data, ha.user).delete_leftovers(); });
    }
}

}  // namespace

std::shared_ptr<const PostgresHaServices> PgCall::services() const {
    auto services = ha.services();
    if (!services) throw pg_failure(PgFault::no_instance, "this host does not belong to a cluster yet");
    return services;
}

DatabaseNode PgCall::node() const {
    const auto database = path.find("database_id"), name = path.find("node");
    const auto in_path = name == path.end() ? std::nullopt : std::optional(database->second + "/" + name->second);
    std::vector<DatabaseNode> nodes;
    try {
        nodes = list_nodes(services()->store, limit);
    } catch (const Error& error) {
        // A host without a copy of the store asks the leader.
        if (!error.transient()) throw;
        throw pg_failure(PgFault::no_quorum, error.text());
    }
    return choose_node(nodes, ha.host_id, request, in_path);
}

const NodeInstance& PgCall::own(const DatabaseNode& node) const {
    if (const auto* const found = node.on(ha.host_id)) return *found;
    throw pg_failure(PgFault::no_instance, "host " + ha.host_id + " has no instance of node " + node.text(),
                     {{"hosts", node.hosts()}});
}

LocalInstance PgCall::local() const { return {ha.runtime, ha.user, own(node()).id}; }

bool PgCall::detail() const { return request.parameter("detail") == "true"; }

bool PgCall::scope_is_all() const {
    const std::string& scope = path.at("scope");
    if (scope != "all" && scope != "current") throw pg_failure(PgFault::invalid_scope, "invalid scope, {current/all}");
    return scope == "all";
}

HttpResponse pg_json(const OrderedJson& body) {
    HttpResponse response;
    response.body = to_text(body);
    return response;
}

std::vector<std::string> standby_names(const DatabaseNode& node) {
    std::vector<std::string> names;
    for (const auto& instance : node.instances) {
        names.push_back(instance.id);
        names.push_back(physical_slot_name(instance.id));  // what primary_conninfo of ours says
    }
    return names;
}

std::vector<InstanceReply> ask_all(const PgCall& call, const DatabaseNode& node, InstanceQuestion question,
                                   std::chrono::milliseconds each) {
    const auto services = call.services();
    const auto names = question == InstanceQuestion::facts ? standby_names(node) : std::vector<std::string>{};
    std::vector<InstanceReply> answers;
    for (const auto& instance : node.instances) answers.push_back({instance, std::nullopt, {}});
    const auto ask = [&](InstanceReply& of) {
        try {
            const Limit limit = call.limit.no_longer_than(each);
            of.answer = of.instance.host_id == call.ha.host_id
                            ? answer_question(call.ha.runtime, call.ha.user, of.instance.id, question, names, limit)
                            : services->peers.ask(of.instance.host_id, of.instance.id, question, names, limit);
        } catch (const std::exception& error) {
            of.problem = error.what();
        } catch (const Failure& failure) {
            of.problem = failure.message;
        }
    };
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < answers.size(); ++i) others.emplace_back([&ask, &of = answers[i]] { ask(of); });
    if (!answers.empty()) ask(answers.front());
    others.clear();  // joined: each keeps to its limit
    return answers;
}

Api postgres_ha_api(const PostgresHa& ha, const Log& log) {
    delete_leftovers(ha, log);
    Api api({.name = "Postgres HA",
             .prefixes = {std::string(kPrefix), std::string(kNodePrefix)},
             .listeners = {std::string(kApiListener), std::string(kPostgresHaListener)},
             .errors = std::make_shared<PgErrors>(),
             .content_type = std::string(kPlain),
             .content_type_for = content_type_for,
             .role_of = [](const HttpRequest&) { return Role::admin; }});
    for (const auto& table :
         {pg_instance_routes(), pg_change_routes(), pg_wal_routes(), pg_upload_routes(), pg_slot_routes()})
        for (const auto& route : table) add(api, ha, route);
    return api;
}

}  // namespace pgedge
